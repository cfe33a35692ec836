import { infiniteQueryOptions } from '@tanstack/react-query'
import { get, path, post, withQuery } from './http'
import type { List, Run, Suggestion, TriggerOptions } from './types'

export type { Suggestion }

/** Pairs of columns and fields with the same or nearly the same name (SY-23). */
export const suggestMappings = async (model: string, fields: string[]): Promise<Suggestion[]> =>
  (await post<{ mappings: Suggestion[] }>(path('syncs', 'suggest'), { model, fields })).mappings

export const triggerSync = async (slug: string, options: TriggerOptions = {}): Promise<Run> =>
  (await post<{ run: Run }>(path('syncs', slug, 'trigger'), options)).run

/** Which runs of a sync are wanted: all, those that had something to do, or those with rows that arrived (SY-70). */
export type WantedRuns = 'all' | 'nonempty' | 'succeeded'

const nonEmpty: Record<WantedRuns, string | undefined> = { all: undefined, nonempty: 'true', succeeded: 'succeeded' }

/** The runs of a sync, newest first. */
export const runsQuery = (slug: string, wanted: WantedRuns) =>
  infiniteQueryOptions({
    queryKey: ['runs', 'of', slug, wanted],
    queryFn: ({ pageParam, signal }) =>
      get<List<Run>>(
        withQuery(path('syncs', slug, 'runs'), { nonEmpty: nonEmpty[wanted], limit: 50, cursor: pageParam }),
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
  })
