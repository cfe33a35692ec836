import { queryOptions } from '@tanstack/react-query'
import { del, get, path, post } from './http'
import type { ApiKey, List } from './types'

export const keysQuery = queryOptions({
  queryKey: ['keys'],
  queryFn: async ({ signal }) => (await get<List<ApiKey>>('/api/keys', signal)).items ?? [],
})

/** Creates a key. Its secret is in this answer and never again. */
export const createKey = (name: string): Promise<{ key: ApiKey; secret: string }> => post(path('keys'), { name })

export const deleteKey = (id: number): Promise<void> => del(path('keys', id))
