import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { get, path, post, request, withQuery } from './http'
import type { AlertEvent, Alerts, List, Settings, TestResult } from './types'

/** Alerts move shortly after a run is over, and by the clock. */
const pollEvery = 10_000

/** How the alerts of a sync are set, and where they stand. */
export const alertsQuery = (slug: string) =>
  queryOptions({
    queryKey: ['syncs', 'alerts', slug],
    queryFn: ({ signal }) => get<Alerts>(path('syncs', slug, 'alerts'), signal),
    refetchInterval: pollEvery,
  })

/** What changed, and who was told, the newest first. */
export const alertHistoryQuery = (slug: string) =>
  infiniteQueryOptions({
    queryKey: ['syncs', 'alert-history', slug],
    queryFn: ({ pageParam, signal }) =>
      get<List<AlertEvent>>(withQuery(path('syncs', slug, 'alerts', 'history'), { limit: 25, cursor: pageParam }), signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
    refetchInterval: pollEvery,
  })

/** Holds the notices of a trigger back, for some minutes or until it is ended. */
export const muteAlert = (slug: string, trigger: string, minutes?: number): Promise<Alerts> =>
  post<Alerts>(path('syncs', slug, 'alerts', trigger, 'mute'), minutes === undefined ? {} : { minutes })

export const unmuteAlert = (slug: string, trigger: string): Promise<Alerts> =>
  request<Alerts>('DELETE', path('syncs', slug, 'alerts', trigger, 'mute'))

/** Sends a test notice. The slug of a saved channel fills in the secrets that were left unchanged. */
export const testChannel = (type: string, configuration: Settings, slug?: string): Promise<TestResult> =>
  post<TestResult>(path('alert-channels', 'test'), { type, configuration, slug })
