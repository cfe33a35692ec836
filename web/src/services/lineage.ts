import { queryOptions } from '@tanstack/react-query'
import { get, withQuery } from './http'
import type { Lineage, LineageKind } from './types'

/** A document whose lineage is asked about. */
export interface LineageOf {
  kind: LineageKind
  slug: string
}

/** How the documents of the workspace hang together; with a document, only what hangs on that. */
export const lineageQuery = (of?: LineageOf) =>
  queryOptions({
    queryKey: ['lineage', of?.kind ?? '', of?.slug ?? ''],
    queryFn: ({ signal }) => get<Lineage>(withQuery('/api/lineage', { ...of }), signal),
    // Whatever was changed elsewhere in the app is there when the graph is opened.
    refetchOnMount: 'always',
  })
