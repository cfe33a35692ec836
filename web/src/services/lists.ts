import { queryOptions } from '@tanstack/react-query'
import type { Documents } from './documents'
import { del, get, path, post, put, withQuery, type Query } from './http'
import type { Bulk, BulkAction, Facets, Folder, Items, KindPath, List, SavedFilter } from './types'

/** How many rows of a list one request brings. */
export const pageSize = 100

/** One page of a kind's list, by its number. */
export const pageQuery = <K extends KindPath>(kind: K, filters: Query, number: number) =>
  queryOptions({
    queryKey: [kind, 'list', filters, number],
    queryFn: ({ signal }) =>
      get<List<Documents[K]>>(withQuery(path(kind), { ...filters, limit: pageSize, cursor: number === 0 ? undefined : number * pageSize }), signal),
  })

/** All documents that filters choose, a few hundred at a time. */
export async function everyDocument<K extends KindPath>(kind: K, filters: Query, signal?: AbortSignal): Promise<Documents[K][]> {
  const all: Documents[K][] = []
  let cursor: string | null = null
  do {
    const page: List<Documents[K]> = await get<List<Documents[K]>>(withQuery(path(kind), { ...filters, limit: 500, cursor }), signal)
    all.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== null)
  return all
}

export interface Named {
  slug: string
  name: string
}

/** Names every document that filters choose. */
export const selectAll = async (kind: KindPath, filters: Query): Promise<Named[]> =>
  (await get<Items<Named>>(withQuery(path('select'), { kind, ...filters }))).items

/** What a kind's documents can be chosen by. */
export const facetsQuery = (kind: KindPath) =>
  queryOptions({ queryKey: [kind, 'facets'], queryFn: ({ signal }) => get<Facets>(withQuery(path('facets'), { kind }), signal) })

export const foldersQuery = queryOptions({
  queryKey: ['folders'],
  queryFn: ({ signal }) => get<Items<Folder>>(path('folders'), signal),
})

export const createFolder = (folder: string): Promise<Folder> => post<Folder>(path('folders'), { path: folder })
export const moveFolder = (folder: string, to: string): Promise<void> => post(path('folders', 'move'), { path: folder, to })
/** Deletes a folder; its documents stay, in no folder, unless they are to go as well. */
export const deleteFolder = (folder: string, documents: boolean): Promise<void> => del(withQuery(path('folders'), { path: folder, documents }))

export const savedFiltersQuery = (kind: KindPath) =>
  queryOptions({
    queryKey: ['saved-filters', kind],
    queryFn: ({ signal }) => get<Items<SavedFilter>>(withQuery(path('saved-filters'), { kind }), signal),
  })

export interface FilterToSave {
  name: string
  query: string
  shared: boolean
}

export const saveFilter = (kind: KindPath, filter: FilterToSave): Promise<SavedFilter> => post<SavedFilter>(path('saved-filters'), { kind, ...filter })
export const changeFilter = (id: number, filter: FilterToSave): Promise<SavedFilter> => put<SavedFilter>(path('saved-filters', id), filter)
export const dropFilter = (id: number): Promise<void> => del(path('saved-filters', id))

export interface BulkRequest {
  action: BulkAction
  folder?: string
  labels?: Record<string, string>
  drop?: string[]
  dryRun?: boolean
}

/** How many documents one request changes, so that none keeps the server's database for long. */
const batch = 200

/** Does something with many documents; says how many are done while it goes on. */
export async function bulk(kind: KindPath, slugs: string[], request: BulkRequest, onProgress: (done: number) => void = () => undefined): Promise<Bulk> {
  const sum: Bulk = { done: 0, results: [] }
  for (let from = 0; from < slugs.length; from += batch) {
    const part = await post<Bulk>(path('bulk'), { kind, slugs: slugs.slice(from, from + batch), ...request })
    sum.done += part.done
    sum.results.push(...part.results)
    onProgress(sum.results.length)
  }
  return sum
}
