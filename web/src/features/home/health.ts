import { syncStates, type Tone } from '~/components/status/states'
import type { Run, Sync, SyncState } from '~/services/types'

/** How many syncs are well, at work, in need of somebody, or at rest. */
export interface Health {
  healthy: number
  busy: number
  attention: number
  idle: number
}

const tones: Record<keyof Health, Tone[]> = { healthy: ['good'], busy: ['busy'], attention: ['bad', 'warn'], idle: ['idle'] }

/** The states that each number of a health counts. */
export function statesOf(part: keyof Health): SyncState[] {
  return (Object.keys(syncStates) as SyncState[]).filter((state) => tones[part].includes(syncStates[state].tone))
}

export interface RecentRun {
  sync: Sync
  run: Run
}

/** The last run of each sync, newest first. */
export function recentRuns(syncs: Sync[], n: number): RecentRun[] {
  return syncs
    .flatMap((sync) => (sync.status?.lastRun ? [{ sync, run: sync.status.lastRun }] : []))
    .sort((a, b) => b.run.createdAt.localeCompare(a.run.createdAt))
    .slice(0, n)
}

/** How urgent a sync is: 0 and 1 are for failures and critical alerts, undefined means that all is well. */
function urgency({ status }: Sync): number | undefined {
  if (status?.state === 'failed') return 0
  if (status?.alerts.level === 'critical') return 1
  if (status?.state === 'incomplete') return 2
  return status?.alerts.level === 'warning' ? 3 : undefined
}

/** The syncs that somebody should look at, worst first. */
export function needingAttention(syncs: Sync[]): Sync[] {
  return syncs
    .flatMap((sync) => {
      const rank = urgency(sync)
      return rank === undefined ? [] : [{ sync, rank }]
    })
    .sort((a, b) => a.rank - b.rank)
    .map(({ sync }) => sync)
}
