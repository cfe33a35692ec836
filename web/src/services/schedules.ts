import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { post } from './http'
import type { Schedule } from './types'

/** How many of the next runs are shown. */
export const previewCount = 5

/** When a schedule would start its next runs, as the server reckons; intervals count from the last run. */
export const previewQuery = (schedule: Schedule, lastRunAt: string | undefined) =>
  queryOptions({
    queryKey: ['schedules', 'preview', schedule, lastRunAt],
    queryFn: async () => (await post<{ runs: string[] }>('/api/schedules/preview', { schedule, lastRunAt, count: previewCount })).runs,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  })
