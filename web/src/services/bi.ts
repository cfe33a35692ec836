import { queryOptions } from '@tanstack/react-query'
import { del, get, path, post, put, withQuery } from './http'
import type { BiItem, BiTool, BiToolType, Draft, Items, List } from './types'

const kind = 'bi-tools'

export const biToolsQuery = queryOptions({
  queryKey: [kind, 'all'],
  queryFn: async ({ signal }) => (await get<List<BiTool>>(withQuery(path(kind), { limit: 500 }), signal)).items,
})

export const biToolTypesQuery = queryOptions({
  queryKey: ['catalog', kind],
  queryFn: async ({ signal }) => (await get<Items<BiToolType>>('/api/catalog/bi-tools', signal)).items,
  staleTime: Infinity,
})

/** What is in a tool, or in one of its workbooks. */
export const biItemsQuery = (tool: string, parent: string) =>
  queryOptions({
    queryKey: [kind, 'items', tool, parent],
    queryFn: async ({ signal }) => (await get<List<BiItem>>(withQuery(path(kind, tool, 'items'), { parent }), signal)).items,
    staleTime: 60_000,
    retry: false,
  })

/** The SQL that a tool gives for something in it. */
export const biSqlQuery = (tool: string, item: string) =>
  queryOptions({
    queryKey: [kind, 'sql', tool, item],
    queryFn: async ({ signal }) => (await get<{ sql: string }>(withQuery(path(kind, tool, 'sql'), { item }), signal)).sql,
    staleTime: 60_000,
    retry: false,
  })

export const createBiTool = (draft: Draft<BiTool['spec']>): Promise<BiTool> => post<BiTool>(path(kind), draft)

export const updateBiTool = (slug: string, draft: Draft<BiTool['spec']>): Promise<BiTool> => put<BiTool>(path(kind, slug), draft)

export const deleteBiTool = ({ metadata }: BiTool): Promise<void> => del(withQuery(path(kind, metadata.slug), { revision: metadata.revision }))
