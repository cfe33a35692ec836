import { infiniteQueryOptions } from '@tanstack/react-query'
import { get, path, post, withQuery } from './http'
import type { List, Run, Sync, TriggerOptions } from './types'

export interface Suggestion {
  to: string
  from: string
  score: number
}

/** Pairs of columns and fields with the same or nearly the same name (SY-23). */
export const suggestMappings = async (model: string, fields: string[]): Promise<Suggestion[]> =>
  (await post<{ mappings: Suggestion[] | null }>(path('syncs', 'suggest'), { model, fields })).mappings ?? []

export const triggerSync = async (slug: string, options: TriggerOptions = {}): Promise<Run> =>
  (await post<{ run: Run }>(path('syncs', slug, 'trigger'), options)).run

export const setSyncEnabled = (slug: string, enabled: boolean): Promise<Sync> =>
  post<Sync>(path('syncs', slug, enabled ? 'enable' : 'disable'))

/** The runs of a sync, newest first. nonEmpty leaves out the runs that had nothing to do (SY-70). */
export const runsQuery = (slug: string, nonEmpty: boolean) =>
  infiniteQueryOptions({
    queryKey: ['runs', 'of', slug, { nonEmpty }],
    queryFn: ({ pageParam, signal }) =>
      get<List<Run>>(
        withQuery(path('syncs', slug, 'runs'), { nonEmpty: nonEmpty || undefined, limit: 50, cursor: pageParam }),
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
  })
