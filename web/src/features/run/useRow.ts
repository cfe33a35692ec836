import { useQueryClient, type InfiniteData } from '@tanstack/react-query'
import type { Run, RunRow } from '~/services/types'

/** A row of a run as the lists that are on the page have it. */
export function useRow(run: Run, ordinal: number): RunRow | undefined {
  const client = useQueryClient()
  return client
    .getQueriesData<InfiniteData<{ items: RunRow[] }>>({ queryKey: ['runs', 'rows', run.id] })
    .flatMap(([, data]) => data?.pages ?? [])
    .flatMap((page) => page.items)
    .find((row) => row.ordinal === ordinal)
}
