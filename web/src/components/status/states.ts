import type { Operation, RunStatus, SequenceRun, SequenceRunStep, SequenceState, SyncState } from '~/services/types'

export type Tone = 'good' | 'warn' | 'bad' | 'busy' | 'idle'

export interface StateWords {
  label: string
  tone: Tone
}

/** The words of a sync's state (SY-03). */
export const syncStates: Record<SyncState, StateWords> = {
  healthy: { label: 'Healthy', tone: 'good' },
  pending: { label: 'Pending', tone: 'idle' },
  disabled: { label: 'Disabled', tone: 'idle' },
  querying: { label: 'Querying', tone: 'busy' },
  preparing: { label: 'Preparing', tone: 'busy' },
  queued: { label: 'Queued', tone: 'busy' },
  in_progress: { label: 'In progress', tone: 'busy' },
  incomplete: { label: 'Incomplete', tone: 'warn' },
  failed: { label: 'Failed', tone: 'bad' },
}

/** How a run's status looks; its words come with the run (SY-69). */
export const runTones: Record<RunStatus, Tone> = {
  queued: 'busy',
  querying: 'busy',
  processing: 'busy',
  reporting: 'busy',
  success: 'good',
  warning: 'warn',
  failed: 'bad',
  cancelled: 'idle',
  interrupted: 'warn',
}

/** The words of a sequence's state. */
export const sequenceStates: Record<SequenceState, StateWords> = {
  running: { label: 'Running', tone: 'busy' },
  queued: { label: 'Queued', tone: 'busy' },
  completed: { label: 'Completed', tone: 'good' },
  warning: { label: 'Completed with errors', tone: 'warn' },
  failed: { label: 'Failed', tone: 'bad' },
  cancelled: { label: 'Cancelled', tone: 'idle' },
  pending: { label: 'Never ran', tone: 'idle' },
  disabled: { label: 'Disabled', tone: 'idle' },
}

/** How a run of a sequence looks; its words come with the run. A step that failed and did not end it is no plain success. */
export function sequenceRunTone({ state, steps }: Pick<SequenceRun, 'state' | 'steps'>): Tone {
  if (state === 'failed') return 'bad'
  if (state === 'cancelled') return 'idle'
  if (state !== 'done') return 'busy'
  return steps.some((step) => step.state !== 'success') ? 'warn' : 'good'
}

/** How a step of a sequence's run looks; its words come with the run (SY-88). */
export const stepTones: Record<SequenceRunStep['state'], Tone> = {
  waiting: 'idle',
  running: 'busy',
  success: 'good',
  warning: 'warn',
  failed: 'bad',
  cancelled: 'idle',
  skipped: 'idle',
}

export const operationWords: Record<Operation, string> = { added: 'Added', changed: 'Changed', removed: 'Removed' }

export const operations: Operation[] = ['added', 'changed', 'removed']
