import { queryOptions } from '@tanstack/react-query'
import { del, get, path, post, put, withQuery } from './http'
import type { Credential, CredentialType, Draft, Items, List, Network, TestResult, Tunnel, TunnelKey } from './types'

/** The addresses that the server connects from, and where clients of reverse tunnels reach it. */
export const networkQuery = queryOptions({
  queryKey: ['network'],
  queryFn: ({ signal }) => get<Network>('/api/network', signal),
  staleTime: Infinity,
})

/** How often tunnels are looked at while a page shows how they stand. */
const live = 5000

export const tunnelsQuery = queryOptions({
  queryKey: ['tunnels', 'all'],
  queryFn: async ({ signal }) => (await get<List<Tunnel>>(withQuery('/api/tunnels', { limit: 500 }), signal)).items,
  refetchInterval: live,
})

export const tunnelQuery = (slug: string) =>
  queryOptions({ queryKey: ['tunnels', 'one', slug], queryFn: ({ signal }) => get<Tunnel>(path('tunnels', slug), signal), refetchInterval: live })

export const createTunnel = (draft: Draft<Tunnel['spec']>): Promise<Tunnel> => post<Tunnel>('/api/tunnels', draft)

export const updateTunnel = (slug: string, draft: Draft<Tunnel['spec']>): Promise<Tunnel> => put<Tunnel>(path('tunnels', slug), draft)

export const deleteTunnel = ({ metadata }: Tunnel): Promise<void> => del(withQuery(path('tunnels', metadata.slug), { revision: metadata.revision }))

export const testTunnel = (slug: string): Promise<TestResult> => post<TestResult>(path('tunnels', slug, 'test'))

/** Makes a new key. The private one of a reverse tunnel is in this answer and never again. */
export const rotateTunnel = (slug: string, immediately: boolean): Promise<TunnelKey> => post<TunnelKey>(path('tunnels', slug, 'rotate'), { immediately })

export const forgetHostKey = (slug: string): Promise<void> => post(path('tunnels', slug, 'forget-host-key'))

export const credentialsQuery = queryOptions({
  queryKey: ['credentials', 'all'],
  queryFn: async ({ signal }) => (await get<List<Credential>>(withQuery('/api/credentials', { limit: 500 }), signal)).items,
})

export const credentialQuery = (slug: string) =>
  queryOptions({ queryKey: ['credentials', 'one', slug], queryFn: ({ signal }) => get<Credential>(path('credentials', slug), signal) })

export const credentialCatalogQuery = queryOptions({
  queryKey: ['catalog', 'credentials'],
  queryFn: async ({ signal }) => (await get<Items<CredentialType>>('/api/catalog/credentials', signal)).items,
  staleTime: Infinity,
})

export const createCredential = (draft: Draft<Credential['spec']>): Promise<Credential> => post<Credential>('/api/credentials', draft)

export const updateCredential = (slug: string, draft: Draft<Credential['spec']>): Promise<Credential> => put<Credential>(path('credentials', slug), draft)

export const deleteCredential = ({ metadata }: Credential): Promise<void> =>
  del(withQuery(path('credentials', metadata.slug), { revision: metadata.revision }))

/** Issues an external ID for an AWS role. It is in this answer and never again. */
export const issueExternalId = async (): Promise<string> => (await post<{ externalId: string }>('/api/credentials/external-id')).externalId
