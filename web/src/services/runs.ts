import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { get, getExact, path, post, withQuery } from './http'
import type { OneRow, Operation, RowExchange, RowPage, RowStatus, Run, RunDays, RunState } from './types'

const ended: ReadonlySet<RunState> = new Set(['committed', 'failed', 'cancelled', 'interrupted'])

/** Whether a run has not come to its end. */
export const isActive = (run: Pick<Run, 'state'>): boolean => !ended.has(run.state)

export const runQuery = (id: number) =>
  queryOptions({
    queryKey: ['runs', 'one', id],
    queryFn: ({ signal }) => get<Run>(path('runs', id), signal),
  })

/** What the runs of all syncs did on each of the last days, which begin and end in a zone. */
export const runDaysQuery = (zone: string, days: number) =>
  queryOptions({
    queryKey: ['runs', 'days', zone, days],
    queryFn: ({ signal }) => get<RunDays>(withQuery(path('runs', 'days'), { zone, days }), signal),
    // Another number of days takes the place of what is shown when it is there.
    placeholderData: (previous) => previous,
  })

export const cancelRun = (id: number): Promise<Run> => post<Run>(path('runs', id, 'cancel'))

/** The rows that arrived, or those whose change was seen and did not arrive (SY-71). */
export type RowOutcome = 'successful' | 'rejected'

export interface RowFilter {
  outcome: RowOutcome
  operation?: Operation
  key?: string
}

/** The statuses that make up an outcome. Rows of a run under way that are not sent yet are no rejects. */
export function statusesOf(outcome: RowOutcome, run: Pick<Run, 'state'>): RowStatus[] {
  if (outcome === 'successful') return ['succeeded']
  return isActive(run) ? ['failed'] : ['failed', 'aborted']
}

/** The rows of a run with an outcome, page by page. */
export function rowsQuery(run: Pick<Run, 'id' | 'state'>, { outcome, operation, key }: RowFilter) {
  const status = statusesOf(outcome, run)
  return infiniteQueryOptions({
    queryKey: ['runs', 'rows', run.id, status, { operation, key }],
    queryFn: ({ pageParam, signal }) =>
      getExact<RowPage>(withQuery(path('runs', run.id, 'rows'), { status, operation, key, cursor: pageParam, limit: 100 }), signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    // What was there stays until another search among the same rows has its answer.
    placeholderData: (previous, before) =>
      before?.queryKey[2] === run.id && JSON.stringify(before.queryKey[3]) === JSON.stringify(status) ? previous : undefined,
  })
}

/** One row of a run. */
export const rowQuery = (run: number, ordinal: number) =>
  queryOptions({
    queryKey: ['runs', 'row', run, ordinal],
    queryFn: ({ signal }) => getExact<OneRow>(path('runs', run, 'rows', ordinal), signal),
  })

/** The address from which rows of a run are taken away as a file (SY-73). */
export const exportAddress = (run: number, format: 'csv' | 'json', status: RowStatus[]): string =>
  withQuery(`${path('runs', run)}/rows.${format}`, { status })

export const exchangeQuery = (id: number, ordinal: number) =>
  queryOptions({
    queryKey: ['runs', 'exchange', id, ordinal],
    queryFn: ({ signal }) => getExact<RowExchange>(path('runs', id, 'rows', ordinal, 'exchange'), signal),
  })
