import { Link } from '@tanstack/react-router'
import { plural } from '~/components/format/format'
import type { StateWords } from '~/components/status/states'
import { StatusBadge } from '~/components/status/StatusBadge'
import type { AlertLevel, AlertRollup } from '~/services/types'

const levels: Record<AlertLevel, StateWords> = {
  ok: { label: 'OK', tone: 'good' },
  warning: { label: 'Warning', tone: 'warn' },
  critical: { label: 'Critical', tone: 'bad' },
}

/** The level of a trigger. */
export const LevelBadge = ({ level }: { level: AlertLevel }) => <StatusBadge {...levels[level]} />

interface Props {
  rollup: AlertRollup | undefined
  slug: string
  /** Says nothing where there is no alert. */
  quiet?: boolean
}

/** How many triggers of a sync alert, whether or not it ran recently (SY-61); leads to them. */
export function RollupBadge({ rollup, slug, quiet = false }: Props) {
  if (rollup === undefined || rollup.active === 0) return quiet ? null : <span className="muted">No alerts</span>
  return (
    <Link to="/syncs/$slug" params={{ slug }} search={{ tab: 'alerts' }}>
      <StatusBadge label={plural(rollup.active, 'alert')} tone={levels[rollup.level].tone} />
    </Link>
  )
}
