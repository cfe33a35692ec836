import { useQuery } from '@tanstack/react-query'
import type { Choice } from '~/components/table/FilterMenu'
import { allQuery } from '~/services/documents'

/** The documents of a kind as choices of a filter. */
export function useChoices(kind: 'sources' | 'destinations'): Choice[] {
  const { data } = useQuery(allQuery(kind))
  return (data?.items ?? []).map(({ metadata }) => ({ value: metadata.slug, label: metadata.name }))
}
