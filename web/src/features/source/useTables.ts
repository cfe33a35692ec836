import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { saidFailed } from '~/components/feedback/toast'
import { refreshTables, tablesQuery } from '~/services/connections'

/** The tables of a source, and the way to read them anew (S-04). */
export function useTables(slug: string) {
  const client = useQueryClient()
  const query = useQuery({ ...tablesQuery(slug), enabled: slug !== '' })
  const refresh = useMutation({
    mutationFn: () => refreshTables(slug),
    onSuccess: (tables) => client.setQueryData(tablesQuery(slug).queryKey, tables),
    onError: (error) => saidFailed('The tables could not be read', error),
  })
  return { query, tables: query.data?.items ?? [], refreshedAt: query.data?.refreshedAt ?? null, refresh }
}
