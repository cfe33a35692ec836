import { queryOptions } from '@tanstack/react-query'
import { get } from './http'
import type { DestinationInfo, Items, SourceInfo } from './types'

export const sourceCatalogQuery = queryOptions({
  queryKey: ['catalog', 'sources'],
  queryFn: async ({ signal }) => (await get<Items<SourceInfo>>('/api/catalog/sources', signal)).items,
  staleTime: Infinity,
})

export const destinationCatalogQuery = queryOptions({
  queryKey: ['catalog', 'destinations'],
  queryFn: async ({ signal }) => (await get<Items<DestinationInfo>>('/api/catalog/destinations', signal)).items,
  staleTime: Infinity,
})
