import type { Json, SyncSpec, SyncType } from '~/services/types'
import { elementColumn } from './expansion'

const differs = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) !== JSON.stringify(b ?? null)

const empty = (list: unknown[] | null | undefined): unknown[] | null => (list === undefined || list === null || list.length === 0 ? null : list)

/** Whether rows are mapped or matched in another way. */
const isRemapped = (before: SyncSpec, after: SyncSpec): boolean =>
  differs(empty(before.mappings), empty(after.mappings)) ||
  differs(empty(before.match), empty(after.match)) ||
  (before.allColumns ?? false) !== (after.allColumns ?? false)

const everyRow: ReadonlySet<SyncSpec['mode']> = new Set(['all', 'snapshot', 'archive'])

function remapped(before: SyncSpec, after: SyncSpec): string[] {
  if (!isRemapped(before, after) || everyRow.has(after.mode)) return []
  if (after.mode === 'insert') return ['Rows that were sent before are not sent again: the new mapping is used for rows that are added from now on.']
  return ['The next run sends every row of the model again as changed, since the mapping is another one.']
}

function rekeyed(before: SyncSpec, after: SyncSpec): string[] {
  const array = after.arrayExpansionSourceColumn
  if ((before.arrayExpansionSourceColumn ?? '') === (array ?? '')) return []
  const rows = array ? `the elements of ${array}, identified by ${elementColumn(array)}` : 'the model’s own rows'
  return [`From the next run on, the rows are ${rows}. It sends every one of them as added. What was sent before stays in the destination.`]
}

function elsewhere(before: SyncSpec, after: SyncSpec, type: SyncType | undefined): string[] {
  const moved = (type?.fields ?? []).some((field) => field.target === true && differs(setting(before, field.name), setting(after, field.name)))
  if (!moved && before.destination === after.destination && before.type === after.type && before.model === after.model) return []
  return ['If the sync fills another place now, its next run stops and asks for a full resync or a CDC reset, since what was sent before says nothing about that place.']
}

const setting = (spec: SyncSpec, name: string): Json | undefined => spec.settings?.[name]

function removals(before: SyncSpec, after: SyncSpec): string[] {
  const [was, will] = [before.delete ?? 'nothing', after.delete ?? 'nothing']
  if (was === will || everyRow.has(after.mode)) return []
  if (will === 'nothing') return ['Rows that leave the model are left alone from now on; removals that were refused are not tried again.']
  if (was === 'nothing') return ['Only rows that leave the model from now on are acted on. What left it before stays in the destination.']
  return []
}

/** What a change of a sync's configuration means for rows, in words; nothing before its first run (SY-15, SY-36). */
export function consequences(before: SyncSpec, after: SyncSpec, type: SyncType | undefined, ran: boolean): string[] {
  if (!ran) return []
  const other = rekeyed(before, after)
  return [...other, ...(other.length > 0 ? [] : remapped(before, after)), ...elsewhere(before, after, type), ...removals(before, after)]
}

/** The columns that a sync uses and its model does not have any more (SY-37). */
export function lostColumns(spec: Pick<SyncSpec, 'match' | 'mappings' | 'arrayExpansionSourceColumn'>, columns: { name: string }[]): string[] {
  if (columns.length === 0) return []
  const { match, mappings, arrayExpansionSourceColumn: array } = spec
  const known = new Set(columns.map((column) => column.name))
  if (array) known.add(elementColumn(array))
  const used = [
    array ?? '',
    ...(match ?? []).map((pair) => pair.from),
    ...(mappings ?? []).filter(({ kind }) => kind === undefined || kind === '' || kind === 'column' || kind === 'array').map((mapping) => mapping.from ?? ''),
  ]
  return [...new Set(used.filter((name) => name !== '' && !known.has(name)))]
}
