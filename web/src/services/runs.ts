import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { get, getExact, path, post, withQuery } from './http'
import type { List, Operation, RowExchange, RowStatus, Run, RunRow, RunState } from './types'

const ended: ReadonlySet<RunState> = new Set(['committed', 'failed', 'cancelled', 'interrupted'])

/** Whether a run has not come to its end. */
export const isActive = (run: Pick<Run, 'state'>): boolean => !ended.has(run.state)

export const runQuery = (id: number) =>
  queryOptions({
    queryKey: ['runs', 'one', id],
    queryFn: ({ signal }) => get<Run>(path('runs', id), signal),
  })

export const cancelRun = (id: number): Promise<Run> => post<Run>(path('runs', id, 'cancel'))

/** The rows that arrived, or those whose change was seen and did not arrive (SY-71). */
export type RowOutcome = 'successful' | 'rejected'

export interface RowFilter {
  outcome: RowOutcome
  operation?: Operation
  key?: string
}

/** Where a list of rows goes on: among which rows, and after which of them. */
interface RowPage {
  status: RowStatus
  cursor: string | null
}

/**
 * The statuses that make up an outcome, in the order in which they are listed. The server counts the rows
 * whose key is not unique among the failed ones. Rows of a run under way that are not sent yet are no rejects.
 */
export function statusesOf(outcome: RowOutcome, run: Pick<Run, 'state' | 'aborted'>): RowStatus[] {
  if (outcome === 'successful') return ['succeeded']
  const { added, changed, removed } = run.aborted
  return isActive(run) || added + changed + removed === 0 ? ['failed'] : ['failed', 'aborted']
}

/** What comes after a page: its next page, or the first one of the next status. */
export function pageAfter(statuses: RowStatus[], { status, cursor }: RowPage): RowPage | null {
  if (cursor !== null) return { status, cursor }
  const next = statuses[statuses.indexOf(status) + 1]
  return next === undefined ? null : { status: next, cursor: null }
}

/** The rows of a run with an outcome, page by page. A status without rows gives no empty page. */
export function rowsQuery(run: Pick<Run, 'id' | 'state' | 'aborted'>, { outcome, operation, key }: RowFilter) {
  const statuses = statusesOf(outcome, run)
  return infiniteQueryOptions({
    queryKey: ['runs', 'rows', run.id, statuses, { operation, key }],
    queryFn: async ({ pageParam, signal }) => {
      let page: RowPage = pageParam
      for (;;) {
        const address = withQuery(path('runs', run.id, 'rows'), { ...page, operation, key, limit: 100 })
        const { items, nextCursor } = await getExact<List<RunRow>>(address, signal)
        const next = pageAfter(statuses, { status: page.status, cursor: nextCursor })
        if ((items ?? []).length > 0 || next === null) return { items: items ?? [], next }
        page = next
      }
    },
    initialPageParam: { status: statuses[0], cursor: null } as RowPage,
    getNextPageParam: (last) => last.next,
    // What was there stays until another search among the same rows has its answer.
    placeholderData: (previous, before) =>
      before?.queryKey[2] === run.id && JSON.stringify(before.queryKey[3]) === JSON.stringify(statuses) ? previous : undefined,
  })
}

export const exchangeQuery = (id: number, ordinal: number) =>
  queryOptions({
    queryKey: ['runs', 'exchange', id, ordinal],
    queryFn: ({ signal }) => getExact<RowExchange>(path('runs', id, 'rows', ordinal, 'exchange'), signal),
  })
