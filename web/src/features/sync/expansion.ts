import type { Arrays, MatchPair, Mapping, ModelColumn, SyncSpec } from '~/services/types'

/** The column that has the elements of an expanded array; its name is a contract (SY-89). */
export const elementColumn = (array: string): string => `_ht_${array}_element`

/** The model's columns as the sync sees them: with that of the elements where it expands an array. */
export function columnsOf(spec: Pick<SyncSpec, 'arrayExpansionSourceColumn'>, columns: ModelColumn[]): ModelColumn[] {
  const array = spec.arrayExpansionSourceColumn
  return array ? [...columns, { name: elementColumn(array), type: 'string' }] : columns
}

/** The array that matching by a column begins to expand, if it does. */
export const expandable = (arrays: Arrays | undefined, column: string): boolean =>
  arrays?.available === true && arrays.items.some((array) => array.column === column)

/**
 * The sync with other matching. Where a column of arrays is chosen, its elements are the rows: they take its place in
 * matching. Where another column is chosen, they are none any more, and what was filled with an element is filled with
 * the array again.
 */
export function withMatch(spec: SyncSpec, match: MatchPair[], arrays: Arrays | undefined): SyncSpec {
  const chosen = match.find((pair) => expandable(arrays, pair.from))
  if (chosen !== undefined) {
    const begun = withoutExpansion(spec)
    return { ...begun, arrayExpansionSourceColumn: chosen.from, match: [{ from: elementColumn(chosen.from), to: chosen.to }] }
  }
  const array = spec.arrayExpansionSourceColumn
  const kept = array !== undefined && match.some((pair) => pair.from === elementColumn(array))
  return kept || !array ? { ...spec, match } : { ...withoutExpansion(spec), match }
}

function withoutExpansion({ arrayExpansionSourceColumn: array, ...spec }: SyncSpec): SyncSpec {
  return array ? { ...spec, mappings: (spec.mappings ?? []).map((mapping) => withArray(mapping, array)) } : spec
}

/** The mapping that reads the array where it read its element. */
function withArray(mapping: Mapping, array: string): Mapping {
  const next = mapping.from === elementColumn(array) ? { ...mapping, from: array } : mapping
  return next.kind === 'object' ? { ...next, fields: (next.fields ?? []).map((field) => withArray(field, array)) } : next
}
