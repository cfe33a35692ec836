import { queryOptions } from '@tanstack/react-query'
import { del, get, path, post, put, putFile, withQuery } from './http'
import type { DbtManifest, DbtNode, DbtNodeDetail, DbtOrigin, DbtProject, Draft, Items, List } from './types'

const kind = 'dbt-projects'

/** The dbt projects that build their models in a source. */
export const dbtProjectsQuery = (source: string) =>
  queryOptions({
    queryKey: [kind, 'of', source],
    queryFn: async ({ signal }) => (await get<List<DbtProject>>(withQuery(path(kind), { source, limit: 500 }), signal)).items,
    // While a manifest is on its way, how that stands is looked at.
    refetchInterval: ({ state }) => (state.data?.some(isUnderWay) === true ? 2000 : false),
  })

/** Whether a manifest is on its way: being fetched, or due at once. */
export function isUnderWay({ status: { refresh } }: DbtProject): boolean {
  if (refresh === null) return false
  return refresh.state === 'running' || (refresh.state === 'waiting' && refresh.checkedAt === null)
}

/** Where the manifest of a project can come from. */
export const dbtOriginsQuery = queryOptions({
  queryKey: ['catalog', 'dbt-origins'],
  queryFn: async ({ signal }) => (await get<Items<DbtOrigin>>('/api/catalog/dbt-origins', signal)).items,
  staleTime: Infinity,
})

/** Fetches a project's manifest now; with full also where nothing is newer. */
export const refreshDbtProject = (slug: string, full: boolean): Promise<DbtProject> => post<DbtProject>(path(kind, slug, 'refresh'), { full })

/** How many nodes a list shows; who looks for others searches. */
export const nodesShown = 100

/** The models and analyses of a project whose unique IDs have a text. */
export const dbtNodesQuery = (project: string, search: string) =>
  queryOptions({
    queryKey: [kind, 'nodes', project, search],
    queryFn: ({ signal }) => get<List<DbtNode>>(withQuery(path(kind, project, 'nodes'), { search, limit: nodesShown }), signal),
  })

/** A model or analysis with its compiled SQL. */
export const dbtNodeQuery = (project: string, node: string) =>
  queryOptions({
    queryKey: [kind, 'nodes', project, 'one', node],
    queryFn: ({ signal }) => get<DbtNodeDetail>(path(kind, project, 'nodes', node), signal),
  })

export const createDbtProject = (draft: Draft<DbtProject['spec']>): Promise<DbtProject> => post<DbtProject>(path(kind), draft)

export const updateDbtProject = (slug: string, draft: Draft<DbtProject['spec']>): Promise<DbtProject> => put<DbtProject>(path(kind, slug), draft)

export const deleteDbtProject = ({ metadata }: DbtProject): Promise<void> => del(withQuery(path(kind, metadata.slug), { revision: metadata.revision }))

/** Loads a manifest.json in the place of the one before. */
export const loadDbtManifest = (slug: string, file: Blob): Promise<DbtManifest> => putFile<DbtManifest>(path(kind, slug, 'manifest'), file)
