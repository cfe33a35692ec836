import { useDebouncedValue } from '@mantine/hooks'
import type { LoadOptions } from '~/components/fields/options'
import { sourceOptionsQuery } from '~/services/connections'
import type { Settings } from '~/services/types'

/** Loads the pick-lists of a source's form by what was entered so far, once the person has stopped typing. */
export function useSourceOptions(kind: 'sources' | 'destinations', type: string, configuration: Settings, slug?: string, tunnel?: string): LoadOptions | undefined {
  const [settled] = useDebouncedValue(configuration, 600)
  if (kind !== 'sources') return undefined
  return (list) => sourceOptionsQuery(list, type, settled, { slug, tunnel })
}
