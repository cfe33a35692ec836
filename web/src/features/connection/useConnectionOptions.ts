import { useDebouncedValue } from '@mantine/hooks'
import type { LoadOptions } from '~/components/fields/options'
import { connectionOptionsQuery } from '~/services/connections'
import type { Field, Settings } from '~/services/types'

/** Loads the pick-lists of a connection's form by what was entered so far, once the person has stopped typing. */
export function useConnectionOptions(
  kind: 'sources' | 'destinations',
  type: string,
  fields: Field[],
  configuration: Settings,
  slug?: string,
  tunnel?: string,
): LoadOptions {
  const [settled] = useDebouncedValue(configuration, 600)
  return (list) => connectionOptionsQuery(kind, list, type, without(fields, list, settled), { slug, tunnel })
}

/** The settings that a list is loaded by: what was chosen of it, or is being typed in its place, changes nothing. */
export function without(fields: Field[], list: string, settings: Settings): Settings {
  const own = fields.filter((field) => field.optionsFrom === list).map((field) => field.name)
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !own.includes(name)))
}
