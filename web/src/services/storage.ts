import { queryOptions } from '@tanstack/react-query'
import { del, get, path, post, put, withQuery } from './http'
import type { Draft, Items, List, Storage, StorageOverview, StorageSwitch, StorageSync, StorageType } from './types'

const ended: ReadonlySet<StorageSwitch['state']> = new Set(['done', 'failed', 'cancelled'])

/** Whether a switch has not come to its end. */
export const isMoving = (sw: StorageSwitch | null | undefined): sw is StorageSwitch => sw !== null && sw !== undefined && !ended.has(sw.state)

/** Where the workspace's objects lie; looked at again and again while that changes. */
export const storageQuery = queryOptions({
  queryKey: ['storage', 'overview'],
  queryFn: ({ signal }) => get<StorageOverview>('/api/storage', signal),
  refetchInterval: ({ state }) => (isMoving(state.data?.switch) ? 700 : false),
})

/** How each sync stands towards the storage. */
export const storageSyncsQuery = queryOptions({
  queryKey: ['storage', 'syncs'],
  queryFn: async ({ signal }) => (await get<Items<StorageSync>>('/api/storage/syncs', signal)).items,
  // An answer is a run: when it ends, the sync no longer asks. It may wait for a worker before it begins.
  refetchInterval: ({ state }) => (state.data?.some(({ running, standing }) => running || (standing !== 'ready' && standing !== 'none')) === true ? 2000 : false),
})

/** The storages that people described. */
export const storagesQuery = queryOptions({
  queryKey: ['storages', 'all'],
  queryFn: async ({ signal }) => (await get<List<Storage>>(withQuery('/api/storages', { limit: 500 }), signal)).items,
})

export const oneStorageQuery = (slug: string) =>
  queryOptions({ queryKey: ['storages', 'one', slug], queryFn: ({ signal }) => get<Storage>(path('storages', slug), signal) })

export const storageCatalogQuery = queryOptions({
  queryKey: ['catalog', 'storages'],
  queryFn: async ({ signal }) => (await get<Items<StorageType>>('/api/catalog/storages', signal)).items,
  staleTime: Infinity,
})

export const createStorage = (draft: Draft<Storage['spec']>): Promise<Storage> => post<Storage>('/api/storages', draft)

export const updateStorage = (slug: string, draft: Draft<Storage['spec']>): Promise<Storage> => put<Storage>(path('storages', slug), draft)

export const deleteStorage = ({ metadata }: Storage): Promise<void> => del(withQuery(path('storages', metadata.slug), { revision: metadata.revision }))

/** Moves the workspace; an empty slug is the server's own storage. */
export const switchStorage = (to: string, abandon: boolean): Promise<StorageSwitch> => post<StorageSwitch>('/api/storage/switch', { to, abandon })

export const cancelSwitch = (id: number): Promise<StorageSwitch> => post<StorageSwitch>(path('storage', 'switches', id, 'cancel'))
