import { queryOptions } from '@tanstack/react-query'
import { get, post, put } from './http'
import type { List, Session, Workspace } from './types'

/** The workspaces of the person who is signed in. */
export const workspacesQuery = queryOptions({
  queryKey: ['workspaces'],
  queryFn: async ({ signal }) => (await get<List<Workspace>>('/api/workspaces', signal)).items,
})

export const createWorkspace = (name: string, slug: string): Promise<Workspace> =>
  post('/api/workspaces', { name, slug: slug === '' ? undefined : slug })

/** Goes to another workspace. What the page knows is of the one before: load it anew afterwards. */
export const enterWorkspace = (slug: string): Promise<Session> => put('/api/session', { workspace: slug })
