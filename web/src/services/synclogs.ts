import { queryOptions } from '@tanstack/react-query'
import { get, path } from './http'
import type { SyncLogs } from './types'

/** Logs are written shortly after a run is over. */
const pollEvery = 10_000

/** What is written of a source's syncs, or of one sync, into the warehouse, and how that stands (SY-53). */
export const syncLogsQuery = (kind: 'sources' | 'syncs', slug: string) =>
  queryOptions({
    queryKey: [kind, 'sync-logs', slug],
    queryFn: ({ signal }) => get<SyncLogs>(path(kind, slug, 'sync-logs'), signal),
    refetchInterval: pollEvery,
  })
