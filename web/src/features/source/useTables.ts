import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import { plural } from '~/components/format/format'
import { refreshSource, tablesQuery } from '~/services/connections'
import type { RefreshedSource } from '~/services/types'

/** What a refresh found, in a sentence. */
export function refreshWords({ tables, models }: RefreshedSource): string {
  const found = `${plural(tables, 'table')} and views`
  const drifted = models.filter((m) => m.drifted).length
  const failed = models.filter((m) => m.error !== undefined).length
  const news = [
    drifted > 0 ? `${plural(drifted, 'model has', 'models have')} columns that changed` : '',
    failed > 0 ? `the source refuses the query of ${plural(failed, 'model')}` : '',
  ].filter(Boolean)
  return `${found} were read${news.length === 0 ? '' : `; ${news.join(', ')}`}.`
}

/** The tables of a source, and the way to read them anew, with the columns of its models (S-04, M-15). */
export function useTables(slug: string) {
  const client = useQueryClient()
  const query = useQuery({ ...tablesQuery(slug), enabled: slug !== '' })
  const refresh = useMutation({
    mutationFn: () => refreshSource(slug),
    onSuccess: async ({ found, tables }) => {
      client.setQueryData(tablesQuery(slug).queryKey, tables)
      await client.invalidateQueries({ queryKey: ['models'] })
      saidDone(refreshWords(found))
    },
    onError: (error) => saidFailed('The tables could not be read', error),
  })
  return { query, tables: query.data?.items ?? [], refreshedAt: query.data?.refreshedAt ?? null, refresh }
}
