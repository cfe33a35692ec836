import { Link } from '@tanstack/react-router'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { SyncStateBadge } from '~/components/status/StatusBadge'
import type { Sync } from '~/services/types'
import { LevelBadge, RollupBadge } from '~/features/alert/AlertBadge'
import { needingAttention } from './health'
import classes from './Home.module.css'

/** Why a sync is here: its state, or the level of its alerts where the state is a good one. */
function StateOrAlert({ sync }: { sync: Sync['status'] }) {
  if (sync?.state === 'healthy') return <LevelBadge level={sync.alerts.level} />
  return <SyncStateBadge state={sync?.state} />
}

/** What failed and why, with the way there. */
export function Attention({ syncs }: { syncs: Sync[] }) {
  const list = needingAttention(syncs)
  if (list.length === 0) return null
  return (
    <Card title="Needs attention" flush>
      <ul className={classes.attention}>
        {list.slice(0, 8).map(({ metadata, status }) => (
          <li key={metadata.slug}>
            <StateOrAlert sync={status} />
            <div>
              <Link to="/syncs/$slug" params={{ slug: metadata.slug }}>
                {metadata.name}
              </Link>
              {status?.lastRun?.error && <p className={classes.reason}>{status.lastRun.error.message}</p>}
            </div>
            <span className="row" style={{ gap: 20 }}>
              <RollupBadge rollup={status?.alerts} slug={metadata.slug} quiet />
              <span className="muted small">
                <TimeAgo at={status?.lastRun?.finishedAt ?? status?.lastRun?.createdAt} />
              </span>
            </span>
          </li>
        ))}
      </ul>
    </Card>
  )
}
