import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { get, path, post, withQuery } from './http'
import type { List, SequenceRun } from './types'

/** Whether a run of a sequence has come to its end. */
export const isOver = (run: Pick<SequenceRun, 'state'>): boolean =>
  run.state === 'done' || run.state === 'failed' || run.state === 'cancelled'

/** Starts a run; where one is under way, the answer is the one that waits for it. */
export const triggerSequence = async (slug: string): Promise<SequenceRun> =>
  (await post<{ run: SequenceRun }>(path('sequences', slug, 'trigger'))).run

/** The runs of a sequence, newest first. */
export const sequenceRunsQuery = (slug: string) =>
  infiniteQueryOptions({
    queryKey: ['sequence-runs', 'of', slug],
    queryFn: ({ pageParam, signal }) =>
      get<List<SequenceRun>>(withQuery(path('sequences', slug, 'runs'), { limit: 50, cursor: pageParam }), signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.nextCursor,
  })

export const sequenceRunQuery = (id: number) =>
  queryOptions({
    queryKey: ['sequence-runs', 'one', id],
    queryFn: ({ signal }) => get<SequenceRun>(path('sequence-runs', id), signal),
  })

export const cancelSequenceRun = (id: number): Promise<SequenceRun> => post<SequenceRun>(path('sequence-runs', id, 'cancel'))
