import { useQueryClient, type QueryClient } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'
import { isActive } from './runs'
import { isOver } from './sequences'
import type { Run, RunState, SequenceRun } from './types'

let live = false
const listeners = new Set<() => void>()

function setLive(next: boolean): void {
  live = next
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Whether the server's events arrive. Without them, pages that show progress ask again and again. */
export const useLive = (): boolean => useSyncExternalStore(subscribe, () => live)

/** How often a page that shows work in progress asks again, in milliseconds. */
export function pollInterval(active: boolean, liveNow: boolean): number | false {
  if (!active) return false
  return liveNow ? 15_000 : 1_500
}

/** The state in which each run was last reported. */
const reported = new Map<number, RunState>()

/** Puts a run that the server reported where the pages read it. */
export function applyRun(client: QueryClient, run: Run): void {
  client.setQueryData(['runs', 'one', run.id], run)
  void client.invalidateQueries({ queryKey: ['runs', 'of', run.syncSlug] })
  if (reported.get(run.id) === run.state) return
  reported.set(run.id, run.state)
  void client.invalidateQueries({ queryKey: ['syncs'] })
  void client.invalidateQueries({ queryKey: ['lineage'] })
  if (isActive(run)) return
  reported.delete(run.id)
  void client.invalidateQueries({ queryKey: ['runs', 'days'] })
  void client.invalidateQueries({ queryKey: ['runs', 'rows', run.id] })
  void client.invalidateQueries({ queryKey: ['runs', 'row', run.id] })
  void client.invalidateQueries({ queryKey: ['models'] })
}

/** Puts a run of a sequence that the server reported where the pages read it. */
export function applySequenceRun(client: QueryClient, run: SequenceRun): void {
  client.setQueryData(['sequence-runs', 'one', run.id], run)
  void client.invalidateQueries({ queryKey: ['sequence-runs', 'of', run.sequenceSlug] })
  void client.invalidateQueries({ queryKey: ['sequences'] })
  void client.invalidateQueries({ queryKey: ['lineage'] })
  if (isOver(run)) void client.invalidateQueries({ queryKey: ['syncs'] })
}

function connect(client: QueryClient): () => void {
  const source = new EventSource('/api/events')
  source.addEventListener('open', () => setLive(true))
  source.addEventListener('error', () => setLive(false))
  source.addEventListener('run', (event: MessageEvent<string>) => applyRun(client, JSON.parse(event.data) as Run))
  source.addEventListener('sequence-run', (event: MessageEvent<string>) => applySequenceRun(client, JSON.parse(event.data) as SequenceRun))
  return () => {
    source.close()
    setLive(false)
  }
}

/** Keeps the pages up to date with what the server reports, while somebody is signed in. */
export function useServerEvents(): void {
  const client = useQueryClient()
  useEffect(() => connect(client), [client])
}
