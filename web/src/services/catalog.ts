import { queryOptions } from '@tanstack/react-query'
import { get } from './http'
import type { ChannelType, DestinationInfo, Items, MonitorType, SourceInfo, TriggerType } from './types'

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

export const channelCatalogQuery = queryOptions({
  queryKey: ['catalog', 'alert-channels'],
  queryFn: async ({ signal }) => (await get<Items<ChannelType>>('/api/catalog/alert-channels', signal)).items,
  staleTime: Infinity,
})

export const triggerCatalogQuery = queryOptions({
  queryKey: ['catalog', 'alert-triggers'],
  queryFn: async ({ signal }) => (await get<Items<TriggerType>>('/api/catalog/alert-triggers', signal)).items,
  staleTime: Infinity,
})

/** The types of monitors. */
export const monitorCatalogQuery = queryOptions({
  queryKey: ['catalog', 'monitors'],
  queryFn: async ({ signal }) => (await get<Items<MonitorType>>('/api/catalog/monitors', signal)).items,
  staleTime: Infinity,
})
