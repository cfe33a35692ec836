import { queryOptions } from '@tanstack/react-query'
import { ApiError, del, get, post, setCsrfToken } from './http'
import type { Session, Usage, Version } from './types'

function remember(session: Session): Session {
  setCsrfToken(session.csrfToken, session.workspace.id)
  return session
}

/** Who is signed in; null when nobody is. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      return remember(await get<Session>('/api/session', signal))
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null
      throw error
    }
  },
  staleTime: Infinity,
})

export const signIn = async (email: string, password: string): Promise<Session> =>
  remember(await post<Session>('/api/session', { email, password }))

export const signOut = (): Promise<void> => del('/api/session')

export const versionQuery = queryOptions({
  queryKey: ['version'],
  queryFn: ({ signal }) => get<Version>('/api/version', signal),
  staleTime: Infinity,
})

export const usageQuery = queryOptions({
  queryKey: ['usage'],
  queryFn: ({ signal }) => get<Usage>('/api/usage', signal),
})
