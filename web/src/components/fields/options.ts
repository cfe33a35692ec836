import type { QueryFunctionContext } from '@tanstack/react-query'
import type { Option } from '~/services/types'

/** The query that loads a named pick-list of a connector. */
export type LoadOptions = (list: string) => {
  queryKey: unknown[]
  queryFn: (context: QueryFunctionContext) => Promise<Option[]>
  staleTime: number
  retry: false
}
