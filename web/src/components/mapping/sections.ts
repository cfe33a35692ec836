import type { Mapping, ModelColumn, TargetField } from '~/services/types'
import { unmappedFields } from './mappings'

/** A mapping with its place among all. */
export interface Row {
  mapping: Mapping
  index: number
}

/** The mappings to the fields under one heading of the destination, and its fields that nothing fills. */
export interface Section {
  /** Empty for what stands under no heading, which comes first. */
  name: string
  rows: Row[]
  free: TargetField[]
  /** How many fields there are in all. */
  fields: number
}

/** The names of the headings, in the order in which the destination lists them. */
export const headings = (fields: TargetField[]): string[] => [...new Set(['', ...fields.map((f) => f.section ?? '')])]

/**
 * The mappings and the free fields, section by section. A name that the destination does not list stands in the first;
 * where there are headings, a row without a field comes last, where it was added.
 */
export function sectionsOf(fields: TargetField[], mappings: Mapping[]): Section[] {
  const bySection = new Map(headings(fields).map((name): [string, Section] => [name, { name, rows: [], free: [], fields: 0 }]))
  const of = (section: string | undefined) => bySection.get(section ?? '')
  const known = new Map(fields.map((f) => [f.name, f]))
  const begun: Section = { name: '', rows: [], free: [], fields: 0 }
  mappings.forEach((mapping, index) => {
    const place = mapping.to === '' && bySection.size > 1 ? begun : of(known.get(mapping.to)?.section)
    place?.rows.push({ mapping, index })
  })
  for (const field of fields) {
    const section = of(field.section)
    if (section !== undefined) section.fields++
  }
  for (const field of unmappedFields(fields, mappings)) of(field.section)?.free.push(field)
  return begun.rows.length > 0 ? [...bySection.values(), begun] : [...bySection.values()]
}

const includes = (words: string[], ...texts: (string | undefined)[]): boolean => {
  const text = texts.join(' ').toLowerCase()
  return words.every((word) => text.includes(word))
}

const wordsOf = (search: string): string[] => search.toLowerCase().split(/\s+/).filter(Boolean)

/** The fields in whose name, label, help or heading all words occur. */
export const matchingFields = (fields: TargetField[], search: string): TargetField[] =>
  fields.filter((f) => includes(wordsOf(search), f.name, f.label, f.help, f.section))

/** The columns in whose name or description all words occur. */
export const matchingColumns = (columns: ModelColumn[], search: string): ModelColumn[] =>
  columns.filter((c) => includes(wordsOf(search), c.name, c.override ?? c.description))

/** Whether a mapping has to do with what is searched for. */
export function matchesSearch({ to, from, template }: Mapping, field: TargetField | undefined, search: string): boolean {
  return includes(wordsOf(search), to, from, template, field?.label, field?.section)
}

/** Fields for a pick-list, under their headings where there are any. */
export function grouped<T>(fields: TargetField[], item: (field: TargetField) => T): (T | { group: string; items: T[] })[] {
  if (fields.every((f) => (f.section ?? '') === '')) return fields.map(item)
  return headings(fields).flatMap((name): (T | { group: string; items: T[] })[] => {
    const inside = fields.filter((f) => (f.section ?? '') === name).map(item)
    if (inside.length === 0) return []
    return name === '' ? inside : [{ group: name, items: inside }]
  })
}

/** The mappings with a column for a field. A row that is there for the field keeps its place and is filled with the column. */
export function withColumn(mappings: Mapping[], to: string, from: string): Mapping[] {
  const at = mappings.findIndex((m) => m.to === to)
  const made: Mapping = { to, kind: 'column', from }
  return at < 0 ? [...mappings, made] : mappings.map((m, i) => (i === at ? made : m))
}
