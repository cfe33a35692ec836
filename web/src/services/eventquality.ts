import { queryOptions } from '@tanstack/react-query'
import { get, path, withQuery } from './http'
import type { EventQuality, Sync } from './types'

/** How long the server keeps what a vendor answered. */
const keptFor = 5 * 60_000

/** What the vendor makes of the events of a sync. It is asked while the page waits, and so only once. */
export const eventQualityQuery = ({ metadata: { slug, revision } }: Sync) =>
  queryOptions({
    queryKey: ['event-quality', slug, revision],
    queryFn: ({ signal }) => get<EventQuality>(path('syncs', slug, 'quality'), signal),
    staleTime: keptFor,
    retry: false,
    refetchOnWindowFocus: false,
  })

/** Asks the vendor again. */
export const askEventQuality = (slug: string): Promise<EventQuality> => get<EventQuality>(withQuery(path('syncs', slug, 'quality'), { refresh: true }))
