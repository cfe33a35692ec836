import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { ApiError, del, get, path, post, put, withQuery, type Query } from './http'
import type { components } from './openapi.gen'
import type {
  Activity,
  AlertChannel,
  Destination,
  Draft,
  Items,
  KindPath,
  List,
  Model,
  Monitor,
  Reference,
  Sequence,
  Source,
  Sync,
} from './types'

/** The document type of each kind. */
export interface Documents {
  sources: Source
  models: Model
  destinations: Destination
  syncs: Sync
  sequences: Sequence
  'alert-channels': AlertChannel
  monitors: Monitor
}

type SpecOf<K extends KindPath> = Documents[K]['spec']

/** The kinds with a schedule. */
export type Scheduled = 'syncs' | 'sequences'

/** Switches a document's schedule on or off. */
export const setEnabled = (kind: Scheduled, slug: string, enabled: boolean): Promise<Documents[Scheduled]> =>
  post<Documents[Scheduled]>(path(kind, slug, enabled ? 'enable' : 'disable'))

const pageSize = 100

/** A kind's documents in pages. */
export const listQuery = <K extends KindPath>(kind: K, filters: Query = {}) =>
  infiniteQueryOptions({
    queryKey: [kind, 'list', filters],
    queryFn: ({ pageParam, signal }) =>
      get<List<Documents[K]>>(withQuery(path(kind), { ...filters, limit: pageSize, cursor: pageParam }), signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    // What was there stays until the answer to another search is.
    placeholderData: keepPreviousData,
  })

/** The most that one request gives. */
const mostOfPage = 500

/** A kind's documents for pick-lists: all of them, unless the filters have a limit. */
export const allQuery = <K extends KindPath>(kind: K, filters: Query = {}) =>
  queryOptions({
    queryKey: [kind, 'all', filters],
    queryFn: async ({ signal }) => {
      const items: Documents[K][] = []
      for (let cursor: string | null = null; ; ) {
        const page: List<Documents[K]> = await get(withQuery(path(kind), { limit: mostOfPage, ...filters, cursor }), signal)
        items.push(...page.items)
        cursor = page.nextCursor
        if (cursor === null || filters.limit !== undefined) return { items, total: page.total }
      }
    },
  })

export const documentQuery = <K extends KindPath>(kind: K, slug: string) =>
  queryOptions({
    queryKey: [kind, 'one', slug],
    queryFn: ({ signal }) => get<Documents[K]>(path(kind, slug), signal),
  })

export const activityQuery = (kind: KindPath, slug: string) =>
  queryOptions({
    queryKey: [kind, 'activity', slug],
    queryFn: ({ signal }) => get<List<Activity>>(path(kind, slug, 'activity'), signal),
  })

export const referencesQuery = (kind: KindPath, slug: string) =>
  queryOptions({
    queryKey: [kind, 'references', slug],
    queryFn: ({ signal }) => get<Items<Reference>>(path(kind, slug, 'references'), signal),
  })

export const createDocument = <K extends KindPath>(kind: K, draft: Draft<SpecOf<K>>): Promise<Documents[K]> =>
  post<Documents[K]>(path(kind), draft)

export const updateDocument = <K extends KindPath>(
  kind: K,
  slug: string,
  draft: Draft<SpecOf<K>>,
  change?: KeyChange,
): Promise<Documents[K]> => put<Documents[K]>(withQuery(path(kind, slug), { ...change }), draft)

/** What another primary key of a model means for its syncs. */
export interface KeyChange {
  /** Every row is sent again, or the rows as they are count as sent. */
  resync: 'full' | 'skip'
  /** In each sync's next run, instead of at once. */
  defer: boolean
}

export const deleteDocument = (kind: KindPath, slug: string, revision: number): Promise<void> =>
  del(withQuery(path(kind, slug), { revision }))

/** What the server would refuse in a document, and what it could not find out about it; nothing is written. */
export const validateDocument = <K extends KindPath>(kind: K, draft: Draft<SpecOf<K>>): Promise<components['schemas']['Issues']> =>
  post(path('validate', kind), draft)

export type Change = components['schemas']['Change']

/**
 * What saving a document would change, field by field; nothing is written. What the server would refuse is thrown,
 * with paths as a save has them.
 */
export async function changesOf<K extends KindPath>(document: Documents[K], draft: Draft<SpecOf<K>>): Promise<Change[]> {
  const { slug } = document.metadata
  const body = { documents: [{ kind: document.kind, ...draft, metadata: { ...draft.metadata, slug } }], dryRun: true }
  try {
    const { results } = await post<{ results: { changes: Change[] }[] }>('/api/apply', body)
    return results.flatMap((result) => result.changes)
  } catch (error) {
    throw error instanceof ApiError ? error.withoutPrefix(`${document.kind} ${slug}: `) : error
  }
}

/** A document's draft with another spec, based on the revision that was read. */
export function draftOf<K extends KindPath>(document: Documents[K], spec: SpecOf<K>): Draft<SpecOf<K>> {
  const { name, labels, folder, revision } = document.metadata
  return { metadata: { name, labels: labels ?? {}, folder, revision }, spec }
}
