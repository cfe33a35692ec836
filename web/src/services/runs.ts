import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { get, path, post, withQuery } from './http'
import type { List, Operation, RowExchange, RowStatus, Run, RunRow, RunStatus } from './types'

const activeStatuses: ReadonlySet<RunStatus> = new Set(['queued', 'querying', 'processing'])

/** Whether a run has not come to its end. */
export const isActive = (run: Pick<Run, 'status'>): boolean => activeStatuses.has(run.status)

export const runQuery = (id: number) =>
  queryOptions({
    queryKey: ['runs', 'one', id],
    queryFn: ({ signal }) => get<Run>(path('runs', id), signal),
  })

export const cancelRun = (id: number): Promise<Run> => post<Run>(path('runs', id, 'cancel'))

export interface RowFilter {
  status: RowStatus
  operation?: Operation
  key?: string
}

export const rowsQuery = (id: number, filter: RowFilter) =>
  infiniteQueryOptions({
    queryKey: ['runs', 'rows', id, filter],
    queryFn: ({ pageParam, signal }) =>
      get<List<RunRow>>(withQuery(path('runs', id, 'rows'), { ...filter, limit: 100, cursor: pageParam }), signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
  })

export const exchangeQuery = (id: number, ordinal: number) =>
  queryOptions({
    queryKey: ['runs', 'exchange', id, ordinal],
    queryFn: ({ signal }) => get<RowExchange>(path('runs', id, 'rows', ordinal, 'exchange'), signal),
  })
