import type { Json, Mapping, MappingKind, ModelColumn, Property, TargetField } from '~/services/types'
import type { Suggestion } from '~/services/syncs'

export const kindWords: Record<MappingKind, string> = {
  column: 'Column',
  static: 'Static value',
  variable: 'Variable',
  template: 'Template',
  object: 'Inline object',
  array: 'Inline array',
}

/** How deep inline objects and arrays may nest (SY-35). */
const maxDepth = 2

/** The kinds that fill a field at a depth; 0 is a field of the destination itself. */
export const kindsAt = (depth: number): MappingKind[] =>
  depth < maxDepth ? ['column', 'static', 'variable', 'template', 'object', 'array'] : ['column', 'static', 'variable', 'template']

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
    case 'array':
      return { ...base, from: '', fields: [] }
    default:
      return { ...base, fields: [] }
  }
}

/**
 * The mapping to a field. Where nothing fills it yet, a field of objects is filled with an inline object, and one of
 * arrays with an inline array (SY-33, SY-34).
 */
export function withTarget(mapping: Mapping, to: string, type: string | undefined, kinds: MappingKind[]): Mapping {
  const begun = kindOf(mapping) !== 'column' || (mapping.from ?? '') !== ''
  if (!begun && (type === 'object' || type === 'array') && kinds.includes(type)) return withKind({ ...mapping, to }, type)
  return { ...mapping, to }
}

/** What is sent for a null: null itself, nothing, or what empties the field. */
export type NullPolicy = 'send' | 'omit' | 'clear'

export const nullPolicy = (mapping: Mapping): NullPolicy => (mapping.omitNull ? 'omit' : mapping.clearNull ? 'clear' : 'send')

export function withNullPolicy(mapping: Mapping, policy: NullPolicy): Mapping {
  const { omitNull: _omit, clearNull: _clear, ...rest } = mapping
  if (policy === 'omit') return { ...rest, omitNull: true }
  return policy === 'clear' ? { ...rest, clearNull: true } : rest
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
    case 'array':
      return (mapping.from ?? '') !== '' && membersComplete(mapping)
    default:
      return membersComplete(mapping)
  }
}

function membersComplete(mapping: Mapping): boolean {
  const fields = mapping.fields ?? []
  return fields.length > 0 && fields.every(isComplete)
}

/** What is wrong with the mappings, by row, and as a whole. Without columns, which they name is not looked at. */
export function mappingProblems(
  mappings: Mapping[],
  columns: ModelColumn[] | undefined,
  fields: TargetField[],
): { rows: Record<number, string>; missing: string[] } {
  const rows: Record<number, string> = {}
  const names = columns && new Set(columns.map((c) => c.name))
  const seen = new Set<string>()
  mappings.forEach((mapping, i) => {
    const problem = rowProblem(mapping, names, seen)
    if (problem !== undefined) rows[i] = problem
    seen.add(mapping.to)
  })
  const missing = fields.filter((f) => f.required && !seen.has(f.name)).map((f) => f.label || f.name)
  return { rows, missing }
}

function rowProblem(mapping: Mapping, columns: Set<string> | undefined, seen: Set<string>): string | undefined {
  if (mapping.to.trim() === '') return 'Choose a destination field.'
  if (seen.has(mapping.to)) return `${mapping.to} is mapped twice.`
  const members = memberProblem(mapping, columns)
  if (members !== undefined) return members
  if (!isComplete(mapping)) return 'Choose what the field is filled with.'
  if (!['column', 'array'].includes(kindOf(mapping)) || columns === undefined || columns.has(mapping.from ?? '')) return undefined
  return `The model has no column ${mapping.from}.`
}

/** What is wrong with the members of an inline object or array. Those of an array are properties of its items. */
function memberProblem(mapping: Mapping, columns: Set<string> | undefined): string | undefined {
  const kind = kindOf(mapping)
  if (kind !== 'object' && kind !== 'array') return undefined
  const fields = mapping.fields ?? []
  if (fields.length === 0) return kind === 'object' ? 'Add a member to the object.' : 'Add a member to the objects of the array.'
  const seen = new Set<string>()
  for (const field of fields) {
    const problem = rowProblem(field, kind === 'array' ? undefined : columns, seen)
    if (problem !== undefined) return `In ${mapping.to}: ${problem}`
    seen.add(field.to)
  }
  return undefined
}

/** The properties of the objects in a column of lists, or in a property of such objects. */
export const itemProperties = (properties: Property[], name: string | undefined): Property[] =>
  properties.find((p) => p.name === name)?.properties ?? []

/** The columns or properties that hold lists of objects. */
export const listsOfObjects = (properties: Property[]): string[] =>
  properties.filter((p) => p.shape === 'objects' || p.shape === 'mixed').map((p) => p.name)
