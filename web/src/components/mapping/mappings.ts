import type { Json, Mapping, MappingKind, ModelColumn, TargetField } from '~/services/types'
import type { Suggestion } from '~/services/syncs'

export const kindWords: Record<MappingKind, string> = {
  column: 'Column',
  static: 'Static value',
  variable: 'Variable',
  template: 'Template',
  object: 'Inline object',
  array: 'Inline array',
}

/** The kinds that the editor edits; objects and arrays are edited as JSON. */
export const editableKinds: MappingKind[] = ['column', 'static', 'variable', 'template']

/** The variables of a run (SY-27). */
export const variables: { value: string; label: string }[] = [
  { value: 'model-id', label: 'Model ID' },
  { value: 'model-name', label: 'Model name' },
  { value: 'current-timestamp', label: 'Current time' },
  { value: 'sync-id', label: 'Sync ID' },
  { value: 'sync-run-id', label: 'Run ID' },
  { value: 'operation', label: 'Operation (added, changed, removed)' },
]

export const kindOf = (mapping: Mapping): MappingKind => mapping.kind || 'column'

/** The mapping with another kind; what the old kind held is dropped. */
export function withKind(mapping: Mapping, kind: MappingKind): Mapping {
  const base: Mapping = { to: mapping.to, kind }
  switch (kind) {
    case 'column':
      return { ...base, from: '' }
    case 'static':
      return { ...base, value: '' }
    case 'variable':
      return { ...base, variable: 'current-timestamp' }
    case 'template':
      return { ...base, template: '' }
    default:
      return { ...base, fields: [] }
  }
}

export type StaticType = 'string' | 'number' | 'boolean' | 'null'

/** The data type of a static value (SY-26). */
export function staticType(value: Json | undefined): StaticType {
  if (typeof value === 'number') return 'number'
  if (typeof value === 'boolean') return 'boolean'
  return value === null ? 'null' : 'string'
}

/** A static value carried over to another data type as far as it fits. */
export function asStaticType(value: Json | undefined, type: StaticType): Json {
  const text = value === null || value === undefined || typeof value === 'object' ? '' : String(value)
  switch (type) {
    case 'number':
      return Number.isFinite(Number(text)) ? Number(text) : 0
    case 'boolean':
      return text === 'true' || text === '1'
    case 'null':
      return null
    default:
      return text
  }
}

/** Fields that no mapping fills yet and that can be filled. */
export function unmappedFields(fields: TargetField[], mappings: Mapping[]): TargetField[] {
  const taken = new Set(mappings.map((m) => m.to))
  return fields.filter((f) => !taken.has(f.name) && !f.readOnly)
}

const normal = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '')

/**
 * Adds what was suggested. What the person has mapped stays; rows that were begun and not filled in are
 * replaced; a field is filled once.
 */
export function mergeSuggestions(mappings: Mapping[], suggestions: Suggestion[]): Mapping[] {
  const kept = mappings.filter((m) => m.to !== '' && isComplete(m))
  const taken = new Set(kept.map((m) => m.to))
  const best = [...suggestions].sort((a, b) => b.score - a.score)
  for (const { to, from } of best) {
    if (taken.has(to)) continue
    taken.add(to)
    kept.push({ to, kind: 'column', from })
  }
  return kept
}

/** One mapping for each column under its own name, for destinations that take any name. */
export function mapAllByName(mappings: Mapping[], columns: ModelColumn[]): Mapping[] {
  const kept = mappings.filter(isComplete)
  const taken = new Set(kept.map((m) => normal(m.to)))
  const added = columns.filter((c) => !taken.has(normal(c.name)))
  return [...kept, ...added.map((c): Mapping => ({ to: c.name, kind: 'column', from: c.name }))]
}

/** Whether a mapping has all that its kind needs. */
export function isComplete(mapping: Mapping): boolean {
  if (mapping.to.trim() === '') return false
  switch (kindOf(mapping)) {
    case 'column':
      return (mapping.from ?? '') !== ''
    case 'static':
      return mapping.value !== undefined
    case 'variable':
      return (mapping.variable ?? '') !== ''
    case 'template':
      return (mapping.template ?? '').trim() !== ''
    default:
      return (mapping.fields ?? []).length > 0
  }
}

/** What is wrong with the mappings, by row, and as a whole. */
export function mappingProblems(
  mappings: Mapping[],
  columns: ModelColumn[],
  fields: TargetField[],
): { rows: Record<number, string>; missing: string[] } {
  const rows: Record<number, string> = {}
  const names = new Set(columns.map((c) => c.name))
  const seen = new Set<string>()
  mappings.forEach((mapping, i) => {
    const problem = rowProblem(mapping, names, seen)
    if (problem !== undefined) rows[i] = problem
    seen.add(mapping.to)
  })
  const missing = fields.filter((f) => f.required && !seen.has(f.name)).map((f) => f.label || f.name)
  return { rows, missing }
}

function rowProblem(mapping: Mapping, columns: Set<string>, seen: Set<string>): string | undefined {
  if (mapping.to.trim() === '') return 'Choose a destination field.'
  if (seen.has(mapping.to)) return `${mapping.to} is mapped twice.`
  if (!isComplete(mapping)) return 'Choose what the field is filled with.'
  if (kindOf(mapping) !== 'column' || columns.has(mapping.from ?? '')) return undefined
  return `The model has no column ${mapping.from}.`
}
