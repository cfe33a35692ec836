import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query'
import { useCallback, useState } from 'react'
import type { Documents } from '~/services/documents'
import type { Query } from '~/services/http'
import { pageQuery, pageSize } from '~/services/lists'
import type { KindPath, List } from '~/services/types'

/** The numbers of the pages that rows lie on, without the first, which is always there. */
export function laterPages(first: number, last: number): number[] {
  const [from, to] = [Math.max(1, Math.floor(first / pageSize)), Math.floor(last / pageSize)]
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)
}

/** A list of any length, of which the pages in sight are read. */
export function usePages<K extends KindPath>(kind: K, filters: Query) {
  const [sight, setSight] = useState({ first: 0, last: 0 })
  const onSight = useCallback((first: number, last: number) => setSight((was) => (was.first === first && was.last === last ? was : { first, last })), [])
  // What was there stays until the answer to another search is.
  const head = useQuery({ ...pageQuery(kind, filters, 0), placeholderData: keepPreviousData })
  const numbers = laterPages(sight.first, sight.last)
  const later = useQueries({ queries: numbers.map((number) => pageQuery(kind, filters, number)) })
  const pages = new Map<number, List<Documents[K]>>()
  if (head.data !== undefined) pages.set(0, head.data)
  numbers.forEach((number, i) => {
    const data = later[i]?.data
    if (data !== undefined) pages.set(number, data)
  })
  const failed = later.find((query) => query.isError)
  return {
    head,
    onSight,
    total: head.data?.total ?? 0,
    rowAt: (index: number): Documents[K] | undefined => pages.get(Math.floor(index / pageSize))?.items[index % pageSize],
    /** A later page that could not be read. */
    failed,
  }
}
