import { Link, Outlet } from '@tanstack/react-router'
import { Page } from '~/components/page/Page'
import classes from './settings.module.css'

/** The settings and their parts. */
export default function SettingsLayout() {
  return (
    <Page title="Settings">
      <div className={classes.layout}>
        <nav aria-label="Settings" className={classes.nav}>
          <Link to="/settings/workspace">Workspace</Link>
          <Link to="/settings/alerts">Alert channels</Link>
          <Link to="/settings/keys">API keys</Link>
          <Link to="/settings/monitors">Monitors</Link>
          <Link to="/settings/bi-tools">BI tools</Link>
          <Link to="/settings/orchestrators">Orchestrators</Link>
          <Link to="/settings/storage">Storage</Link>
          <Link to="/settings/tunnels">Tunnels</Link>
          <Link to="/settings/credentials">Credentials</Link>
        </nav>
        <div className="stack">
          <Outlet />
        </div>
      </div>
    </Page>
  )
}
