import { cleaned, problems as fieldProblems } from '~/components/fields/fields'
import { isComplete, mappingProblems } from '~/components/mapping/mappings'
import { scheduleProblem } from '~/components/schedule/schedule'
import type { DestinationInfo, ModelColumn, SyncSpec, SyncType, TargetField } from '~/services/types'
import { columnsOf } from './expansion'
import { deleteIn, deletesIn, needsMatch } from './words'

/** The first configuration of a sync to a destination: its only or first type, in its first mode. */
export function freshSpec(model: string, destination: string, info: DestinationInfo): SyncSpec {
  const spec: SyncSpec = { model, destination, type: '', mode: 'upsert', schedule: { type: 'manual' }, disabled: false }
  const [type] = info.syncTypes ?? []
  return type === undefined ? spec : withType(spec, type)
}

const firstMode = (type: SyncType) => type.modes?.[0] ?? 'upsert'

/** The configuration with another sync type; what only the old type knew is dropped. */
export function withType(spec: SyncSpec, type: SyncType): SyncSpec {
  return {
    ...spec,
    type: type.slug,
    mode: firstMode(type),
    delete: deleteIn(type, firstMode(type), undefined),
    match: [],
    arrayExpansionSourceColumn: undefined,
    mappings: [],
    allColumns: type.mapping.enabled && type.mapping.allByName,
    settings: {},
  }
}

/** What is sent: without the parts that the type or mode does not have. */
export function cleanSpec(spec: SyncSpec, type: SyncType): SyncSpec {
  const mapped = type.mapping.enabled && !spec.allColumns
  return {
    ...spec,
    delete: deletesIn(type, spec.mode).length > 1 ? (spec.delete ?? 'nothing') : undefined,
    match: needsMatch(type, spec.mode) ? (spec.match ?? []) : [],
    arrayExpansionSourceColumn: spec.arrayExpansionSourceColumn || undefined,
    mappings: mapped ? (spec.mappings ?? []) : [],
    settings: cleaned(type.fields ?? [], spec.settings ?? {}),
  }
}

export interface SpecProblems {
  settings: Record<string, string>
  match: string | undefined
  mapping: string | undefined
  schedule: string | undefined
}

function matchProblem(spec: SyncSpec, type: SyncType): string | undefined {
  if (!needsMatch(type, spec.mode)) return undefined
  const pairs = spec.match ?? []
  const complete = pairs.length > 0 && pairs.every((pair) => pair.from !== '' && pair.to !== '')
  return complete ? undefined : 'Choose a column and the field that it is matched to.'
}

function mappingProblem(spec: SyncSpec, type: SyncType, columns: ModelColumn[], fields: TargetField[]): string | undefined {
  if (!type.mapping.enabled || spec.allColumns) return undefined
  const mappings = spec.mappings ?? []
  if (type.mapping.required && !mappings.some(isComplete)) return 'Map at least one field.'
  const { rows, missing } = mappingProblems(mappings, columnsOf(spec, columns), matched(spec, fields))
  return Object.keys(rows).length > 0 || missing.length > 0 ? 'Correct the marked mappings.' : undefined
}

/** The fields, those required that record matching fills already not required any more. */
export function matched(spec: SyncSpec, fields: TargetField[]): TargetField[] {
  const filled = new Set((spec.match ?? []).map((pair) => pair.to))
  return fields.map((field) => (filled.has(field.name) ? { ...field, required: false } : field))
}

/** What is wrong with a sync's configuration, as far as it can be known here. */
export function specProblems(spec: SyncSpec, type: SyncType, columns: ModelColumn[], fields: TargetField[]): SpecProblems {
  return {
    settings: fieldProblems(type.fields ?? [], spec.settings ?? {}),
    match: matchProblem(spec, type),
    mapping: mappingProblem(spec, type, columns, fields),
    schedule: scheduleProblem(spec.schedule),
  }
}

/** Whether the configuration, apart from its schedule, is in order. */
export const isConfigured = ({ settings, match, mapping }: SpecProblems): boolean =>
  Object.keys(settings).length === 0 && match === undefined && mapping === undefined
