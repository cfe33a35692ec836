import type { Operation, RunStatus, SyncState } from '~/services/types'

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

export const operationWords: Record<Operation, string> = { added: 'Added', changed: 'Changed', removed: 'Removed' }

export const operations: Operation[] = ['added', 'changed', 'removed']
