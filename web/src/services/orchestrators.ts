import { queryOptions } from '@tanstack/react-query'
import { del, get, path, post, put, withQuery } from './http'
import type { Draft, Items, List, Orchestrator, OrchestratorJob, OrchestratorType } from './types'

const kind = 'orchestrators'

/** The connections to what runs jobs before syncs. */
export const orchestratorsQuery = queryOptions({
  queryKey: [kind, 'all'],
  queryFn: async ({ signal }) => (await get<List<Orchestrator>>(withQuery(path(kind), { limit: 500 }), signal)).items,
})

export const orchestratorTypesQuery = queryOptions({
  queryKey: ['catalog', kind],
  queryFn: async ({ signal }) => (await get<Items<OrchestratorType>>('/api/catalog/orchestrators', signal)).items,
  staleTime: Infinity,
})

/** The jobs that schedules can wait for, as the vendor lists them. */
export const jobsQuery = (slug: string) =>
  queryOptions({
    queryKey: [kind, 'jobs', slug],
    queryFn: async ({ signal }) => (await get<List<OrchestratorJob>>(path(kind, slug, 'jobs'), signal)).items,
    staleTime: 60_000,
    retry: false,
  })

export const createOrchestrator = (draft: Draft<Orchestrator['spec']>): Promise<Orchestrator> => post<Orchestrator>(path(kind), draft)

export const updateOrchestrator = (slug: string, draft: Draft<Orchestrator['spec']>): Promise<Orchestrator> => put<Orchestrator>(path(kind, slug), draft)

export const deleteOrchestrator = ({ metadata }: Orchestrator): Promise<void> => del(withQuery(path(kind, metadata.slug), { revision: metadata.revision }))

/** Proves the key, and makes the webhook that Fivetran tells by. */
export const connectOrchestrator = (slug: string): Promise<{ webhook?: string }> => post(path(kind, slug, 'connect'))
