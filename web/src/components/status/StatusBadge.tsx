import type { Run, SyncState } from '~/services/types'
import { runTones, syncStates, type StateWords } from './states'
import classes from './Status.module.css'

/** A state in words, with a dot in its colour. */
export const StatusBadge = ({ label, tone }: StateWords) => (
  <span className={`${classes.badge} ${classes[tone]}`}>
    <span className={classes.dot} aria-hidden />
    {label}
  </span>
)

export const SyncStateBadge = ({ state }: { state: SyncState | undefined }) => (
  <StatusBadge {...syncStates[state ?? 'pending']} />
)

export const RunBadge = ({ run }: { run: Pick<Run, 'status' | 'label'> }) => (
  <StatusBadge label={run.label} tone={runTones[run.status] ?? 'idle'} />
)
