import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { get, path, post, withQuery } from './http'
import type { AudienceSize, AudienceSizes, List, MatchedUsers } from './types'

const pageSize = 100

/** How soon an answer that is on its way is looked for. */
const pollEvery = 3_000

/** How the report of audience sizes of a destination stands (SY-94). */
export const audienceSizesQuery = (slug: string) =>
  queryOptions({
    queryKey: ['destinations', 'audience-sizes', slug],
    queryFn: ({ signal }) => get<AudienceSizes>(path('destinations', slug, 'audience-sizes'), signal),
    refetchInterval: ({ state }) => (isDue(state.data) ? pollEvery : false),
  })

/** Whether the ad accounts are being looked at, or are about to be. */
export const isDue = (report: AudienceSizes | undefined): boolean =>
  report !== undefined && (report.state === 'running' || (report.nextAt !== null && Date.parse(report.nextAt) <= Date.now()))

/** The audiences of a destination's ad accounts as they were last seen, in pages. */
export const audiencesQuery = (slug: string) =>
  infiniteQueryOptions({
    queryKey: ['destinations', 'audiences', slug],
    queryFn: ({ pageParam, signal }) => get<List<AudienceSize>>(withQuery(path('destinations', slug, 'audiences'), { limit: pageSize, cursor: pageParam }), signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
  })

/** Looks at the ad accounts now. */
export const runAudienceSizes = (slug: string): Promise<AudienceSizes> => post<AudienceSizes>(path('destinations', slug, 'audience-sizes', 'run'))

/** How many people the ad platform matched of those that a sync sent (MB-14). */
export const matchedUsersQuery = (slug: string) =>
  queryOptions({
    queryKey: ['syncs', 'matched-users', slug],
    queryFn: ({ signal }) => get<MatchedUsers>(path('syncs', slug, 'matched-users'), signal),
  })
