import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
  IconLoader2,
  type Icon,
} from '@tabler/icons-react'
import type { Run, SyncState } from '~/services/types'
import { runTones, syncStates, type StateWords, type Tone } from './states'
import classes from './Status.module.css'

const icons: Record<Tone, Icon> = {
  good: IconCircleCheck,
  warn: IconAlertTriangle,
  bad: IconCircleX,
  busy: IconLoader2,
  idle: IconCircleDashed,
}

/** A state in words, with a colour and a sign, since colour alone tells not everybody. */
export function StatusBadge({ label, tone }: StateWords) {
  const ToneIcon = icons[tone]
  return (
    <span className={`${classes.badge} ${classes[tone]}`}>
      <ToneIcon size={14} aria-hidden className={tone === 'busy' ? classes.spin : undefined} />
      {label}
    </span>
  )
}

export const SyncStateBadge = ({ state }: { state: SyncState | undefined }) => (
  <StatusBadge {...syncStates[state ?? 'pending']} />
)

export const RunBadge = ({ run }: { run: Pick<Run, 'status' | 'label'> }) => (
  <StatusBadge label={run.label} tone={runTones[run.status]} />
)
