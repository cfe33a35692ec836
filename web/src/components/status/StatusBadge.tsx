import type { Run, SequenceRun, SequenceRunStep, SequenceState, SyncState } from '~/services/types'
import { runTones, sequenceRunTone, sequenceStates, stepTones, syncStates, type StateWords } from './states'
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

export const SequenceStateBadge = ({ state }: { state: SequenceState | undefined }) => (
  <StatusBadge {...sequenceStates[state ?? 'pending']} />
)

export const SequenceRunBadge = ({ run }: { run: Pick<SequenceRun, 'state' | 'label' | 'steps'> }) => (
  <StatusBadge label={run.label} tone={sequenceRunTone(run)} />
)

export const StepBadge = ({ step }: { step: Pick<SequenceRunStep, 'state' | 'label'> }) => (
  <StatusBadge label={step.label} tone={stepTones[step.state]} />
)
