import type { StateWords } from '~/components/status/states'
import type { StoragePlace, StorageSwitch, StorageSync } from '~/services/types'

/** What has become of what a sync remembers. */
export const standings: Record<StorageSync['standing'], StateWords> = {
  none: { label: 'Nothing kept', tone: 'idle' },
  ready: { label: 'Ready', tone: 'good' },
  moved: { label: 'In former storage', tone: 'warn' },
  expired: { label: 'Expired', tone: 'warn' },
  lost: { label: 'Lost', tone: 'bad' },
}

/** Whether the sync stops at its next run and asks. */
export const asks = ({ standing }: StorageSync): boolean => standing === 'moved' || standing === 'expired' || standing === 'lost'

export type StepState = 'done' | 'now' | 'next' | 'undone'

export interface Step {
  label: string
  state: StepState
}

const order: StorageSwitch['state'][] = ['checking', 'waiting', 'validating', 'resuming', 'cleaning', 'done']

/** The steps of a switch as a person sees them. */
export function stepsOf(sw: StorageSwitch): Step[] {
  const runs = sw.running === 1 ? '1 run' : `${sw.running} runs`
  const labels = [
    'Try the new storage',
    sw.state === 'waiting' && sw.running > 0 ? `Syncs are paused; waiting for ${runs} to end` : 'Pause the syncs and wait for runs',
    'Use the new storage and try it again',
    sw.reverting ? 'The old storage is in use again; let the syncs go on' : 'Let the syncs go on',
    'Remove what is of no use any more',
  ]
  const at = order.indexOf(sw.state)
  return labels.map((label, i) => ({ label, state: stateOf(sw, i, at) }))
}

function stateOf(sw: StorageSwitch, i: number, at: number): StepState {
  if (sw.reverting && i === 2) return 'undone'
  if (i < at) return 'done'
  return i === at ? 'now' : 'next'
}

/** How long things are kept in a place, in words. */
export function keeping({ slug, expiryDays }: Pick<StoragePlace, 'slug' | 'expiryDays'>): string {
  if (slug !== undefined) return 'For as long as you keep it: nothing but the logs of old runs is removed'
  if (expiryDays === 0) return 'What a sync remembers until the sync is deleted'
  return `What a sync remembers until no run has used it for ${expiryDays} days; then the sync asks what to do`
}
