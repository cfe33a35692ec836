import { ActionIcon, Menu, Tooltip, UnstyledButton, useMantineColorScheme } from '@mantine/core'
import { useDisclosure, useHotkeys } from '@mantine/hooks'
import {
  IconBuilding,
  IconDatabase,
  IconHome2,
  IconListNumbers,
  IconLogout,
  IconMoon,
  IconRefresh,
  IconSearch,
  IconSend,
  IconSettings,
  IconSitemap,
  IconSun,
  IconTable,
  type Icon,
} from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useNavigate } from '@tanstack/react-router'
import { Logo } from '~/components/brand/Logo'
import { CommandBar } from '~/components/command/CommandBar'
import { saidFailed } from '~/components/feedback/toast'
import { useServerEvents } from '~/services/events'
import { signOut } from '~/services/session'
import { useSwitchKeys } from './useSwitchKeys'
import type { Session } from '~/services/types'
import classes from './Frame.module.css'

const places = [
  { to: '/', label: 'Home', icon: IconHome2 },
  { to: '/sources', label: 'Sources', icon: IconDatabase },
  { to: '/models', label: 'Models', icon: IconTable },
  { to: '/destinations', label: 'Destinations', icon: IconSend },
  { to: '/syncs', label: 'Syncs', icon: IconRefresh },
  { to: '/sequences', label: 'Sequences', icon: IconListNumbers },
  { to: '/lineage', label: 'Lineage', icon: IconSitemap },
] as const

function Place({ to, label, icon: PlaceIcon }: { to: (typeof places)[number]['to'] | '/settings'; label: string; icon: Icon }) {
  return (
    <Link to={to} className={classes.place} activeOptions={{ exact: to === '/' }} aria-label={label}>
      <PlaceIcon size={18} stroke={1.7} aria-hidden />
      <span>{label}</span>
    </Link>
  )
}

/** The page around every page: navigation, search, and the person who is signed in. */
export function Frame({ session }: { session: Session }) {
  useServerEvents()
  const [searching, search] = useDisclosure(false)
  useHotkeys([['mod+K', search.open]], [])
  useSwitchKeys()
  return (
    <div className={classes.frame}>
      <a href="#main" className={classes.skip}>
        Skip to the page
      </a>
      <aside className={classes.side}>
        <Link to="/" className={classes.brand} aria-label="Millrace home">
          <Logo />
          <span>Millrace</span>
        </Link>
        <UnstyledButton className={classes.search} onClick={search.open} aria-label="Search (Ctrl K)">
          <IconSearch size={15} aria-hidden />
          <span>Search</span>
          <kbd>Ctrl K</kbd>
        </UnstyledButton>
        <nav aria-label="Main" className={classes.places}>
          {places.map((place) => (
            <Place key={place.to} {...place} />
          ))}
        </nav>
        <div className={classes.bottom}>
          <Place to="/settings" label="Settings" icon={IconSettings} />
          <UserMenu session={session} />
        </div>
      </aside>
      <main id="main" className={classes.main} tabIndex={-1}>
        <Outlet />
      </main>
      <CommandBar opened={searching} onClose={search.close} />
    </div>
  )
}

const initials = (name: string): string =>
  name
    .split(/[\s@.]+/)
    .slice(0, 2)
    .map((word) => word.charAt(0).toUpperCase())
    .join('')

function UserMenu({ session }: { session: Session }) {
  const navigate = useNavigate()
  const client = useQueryClient()
  const { user, workspace } = session
  const name = user.name || user.email
  const leave = async () => {
    try {
      await signOut()
    } catch (error) {
      saidFailed('Signing out failed', error)
      return
    }
    client.clear()
    client.setQueryData(['session'], null)
    await navigate({ to: '/sign-in' })
  }
  return (
    <div className={classes.user}>
      <Menu position="top-start" width={230}>
        <Menu.Target>
          <UnstyledButton className={classes.person} aria-label={`Account of ${name}`}>
            <span className={classes.initials} aria-hidden="true">
              {initials(name)}
            </span>
            <span className={classes.names}>
              <span className="truncate">{name}</span>
              <small className="truncate muted">{workspace.name}</small>
            </span>
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>
            {user.email}
            <br />
            {user.role} of {workspace.name}
          </Menu.Label>
          <Menu.Item leftSection={<IconBuilding size={15} />} rightSection={<kbd className={classes.keys}>S W</kbd>} renderRoot={(props) => <Link to="/workspaces" {...props} />}>
            Switch workspace
          </Menu.Item>
          <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => void leave()}>
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <SchemeToggle />
    </div>
  )
}

function SchemeToggle() {
  const { colorScheme, setColorScheme } = useMantineColorScheme({
    // Switching transitions off would inject a style element, which the content security policy forbids.
    keepTransitions: true,
  })
  const dark =
    colorScheme === 'dark' || (colorScheme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches)
  const label = dark ? 'Light colours' : 'Dark colours'
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={() => setColorScheme(dark ? 'light' : 'dark')}>
        {dark ? <IconSun size={17} /> : <IconMoon size={17} />}
      </ActionIcon>
    </Tooltip>
  )
}
