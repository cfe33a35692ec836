import { queryOptions } from '@tanstack/react-query'
import { getExact, path, postExact, withQuery } from './http'
import type { Operation, RowEdit, TestedRow, TestRows } from './types'

/** The first rows of a sync's model, or the one with a primary key (SY-11). */
export const testRowsQuery = (slug: string, key: string) =>
  queryOptions({
    queryKey: ['syncs', 'test-rows', slug, key],
    queryFn: ({ signal }) => getExact<TestRows>(withQuery(path('syncs', slug, 'test-row'), { key }), signal),
    // A source is asked once for each choice of a row, not whenever the window has the focus again.
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
  })

export interface RowTest {
  key: string
  operation: Operation
  values: Record<string, RowEdit>
}

/** Sends one row; what comes of it is in the answer. */
export const testRow = (slug: string, test: RowTest): Promise<TestedRow> => postExact<TestedRow>(path('syncs', slug, 'test-row'), test)
