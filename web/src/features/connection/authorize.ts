import { exists, withDefaults } from '~/components/fields/fields'
import type { DestinationInfo, Field, Settings } from '~/services/types'

/** What of a catalogue's entry says when a person must allow the access at the vendor. */
export interface Authorizable {
  fields: Field[] | null
  authorize?: DestinationInfo['authorize']
}

/** Whether a person must allow the access at the vendor with these settings: all conditions hold. */
export function needsAuthorization(info: Authorizable | undefined, settings: Settings): boolean {
  const conditions = info?.authorize ?? []
  const full = withDefaults(info?.fields ?? [], settings)
  return conditions.length > 0 && conditions.every((showIf) => exists({ name: '', label: '', type: 'string', showIf }, full))
}
