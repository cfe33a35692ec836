import { sentenceList } from '~/components/format/format'
import table from '~/services/operators.gen.json'
import type { ColumnType, Condition, ConditionMoment, ConditionOperator, ConditionPeriod, PropertyCondition, TimeUnit } from '~/services/types'

/** A column that conditions can be about. */
export interface ConditionColumn {
  name: string
  /** What people call it; its name where that is missing. */
  label?: string
  type: ColumnType
  description?: string
}

/** How the conditions of a group belong together. */
export type Junction = 'all' | 'any'

/** A value that a condition compares with. */
export type Comparand = string | number | boolean

/** The operators of a type of column, in the order in which they are offered. */
export const operatorsOf = (type: ColumnType): ConditionOperator[] => table[type] as ConditionOperator[]

/** The types that what stands in JSON can be taken as. */
export const jsonTypes = ['string', 'number', 'boolean'] as const

/** The units of time, the shortest first. */
export const units: TimeUnit[] = ['minute', 'hour', 'day', 'week', 'month', 'quarter', 'year']

const operatorWords: Record<ConditionOperator, string> = {
  equals: 'equals',
  notEquals: 'does not equal',
  contains: 'contains',
  notContains: 'does not contain',
  startsWith: 'starts with',
  endsWith: 'ends with',
  greater: 'greater than',
  less: 'less than',
  greaterOrEqual: 'greater than or equal to',
  lessOrEqual: 'less than or equal to',
  before: 'before',
  after: 'after',
  within: 'within',
  notWithin: 'not within',
  between: 'between',
  anniversary: 'has its anniversary today',
  exists: 'exists',
  notExists: 'does not exist',
}

/** An operator in words. */
export const wordsOf = (operator: ConditionOperator): string => operatorWords[operator]

/** What an operator compares with. */
export type Operand = 'none' | 'value' | 'values' | 'size' | 'moment' | 'moments' | 'period'

export function operandOf(operator: ConditionOperator, type: ColumnType): Operand {
  switch (operator) {
    case 'exists':
    case 'notExists':
    case 'anniversary':
      return 'none'
    case 'within':
    case 'notWithin':
      return 'period'
    case 'between':
      return 'moments'
    case 'greater':
    case 'less':
    case 'greaterOrEqual':
    case 'lessOrEqual':
      return 'size'
    case 'startsWith':
    case 'endsWith':
      return 'value'
    default:
      if (type === 'timestamp' || type === 'date') return 'moment'
      return type === 'boolean' ? 'value' : 'values'
  }
}

/** The type that a condition's operators are of: its column's, or that of what stands in JSON. */
export function typeOf(property: PropertyCondition, columns: ConditionColumn[]): ColumnType | undefined {
  const column = columns.find(({ name }) => name === property.column)
  return column?.type === 'object' ? (property.type ?? 'object') : column?.type
}

export const junctionOf = (condition: Condition): Junction => (condition.any ? 'any' : 'all')

/** The conditions of a group. */
export const membersOf = (condition: Condition): Condition[] => condition.any ?? condition.all ?? []

/** A group of conditions. */
export const groupOf = (junction: Junction, members: Condition[]): Condition => (junction === 'any' ? { any: members } : { all: members })

export const isGroup = (condition: Condition): boolean => condition.property === undefined

/** How many conditions there are, at any depth. */
export const sizeOf = (condition: Condition | undefined): number =>
  condition === undefined ? 0 : isGroup(condition) ? membersOf(condition).reduce((sum, one) => sum + sizeOf(one), 0) : 1

const freshMoment = (): ConditionMoment => ({ ago: { n: 7, unit: 'day' } })
const freshPeriod = (): ConditionPeriod => ({ n: 30, unit: 'day' })

/** A condition with another operator: what it compares with stays where the operator takes it. */
export function withOperator(property: PropertyCondition, operator: ConditionOperator, type: ColumnType): PropertyCondition {
  const { column, path, type: own } = property
  const next: PropertyCondition = { column, path, type: own, operator }
  switch (operandOf(operator, type)) {
    case 'none':
      return next
    case 'value':
      return { ...next, values: property.values?.slice(0, 1) ?? [] }
    case 'values':
      return { ...next, values: property.values ?? [] }
    case 'size':
      return property.percentile === undefined || own !== undefined ? { ...next, values: property.values?.slice(0, 1) ?? [] } : { ...next, percentile: property.percentile }
    case 'moment':
      return { ...next, from: property.from ?? freshMoment() }
    case 'moments':
      return { ...next, from: property.from ?? freshMoment(), to: property.to ?? { ago: { n: 1, unit: 'day' } } }
    case 'period':
      return { ...next, period: property.period ?? freshPeriod() }
  }
}

/** The first condition on a column. */
export function freshProperty(column: ConditionColumn): PropertyCondition {
  const [operator = 'exists'] = operatorsOf(column.type)
  return withOperator({ column: column.name, operator }, operator, column.type)
}

/** What is missing of a condition, or nothing. */
export function propertyProblem(property: PropertyCondition, columns: ConditionColumn[]): string | undefined {
  if (property.column === '') return 'Choose a column.'
  const type = typeOf(property, columns)
  if (type === undefined) return `There is no column ${property.column} any more. Choose another one.`
  if (property.type !== undefined && (property.path ?? '') === '') return 'Say where in the JSON the value stands, such as order.items.0.sku.'
  if (property.path?.split('.').includes('') && property.path !== '') return 'A part of the path is empty.'
  switch (operandOf(property.operator, type)) {
    case 'none':
      return undefined
    case 'value':
    case 'values':
      return (property.values ?? []).length === 0 ? 'Enter a value.' : undefined
    case 'size':
      if (property.percentile !== undefined) return property.percentile >= 0 && property.percentile <= 100 ? undefined : 'A percentile lies between 0 and 100.'
      return (property.values ?? []).length === 0 ? 'Enter a number.' : undefined
    case 'moment':
      return momentProblem(property.from)
    case 'moments':
      return momentProblem(property.from) ?? momentProblem(property.to)
    case 'period':
      return spanProblem(property.period)
  }
}

const spanProblem = (span: { n: number } | undefined): string | undefined => (span !== undefined && Number.isInteger(span.n) && span.n >= 1 && span.n <= 100_000 ? undefined : 'Enter how many.')

function momentProblem(moment: ConditionMoment | undefined): string | undefined {
  if (moment?.ago !== undefined) return spanProblem(moment.ago)
  return (moment?.at ?? '') === '' ? 'Choose a time.' : undefined
}

/** Whether nothing is missing of any condition. */
export function complete(condition: Condition, columns: ConditionColumn[]): boolean {
  if (condition.property !== undefined) return propertyProblem(condition.property, columns) === undefined
  return membersOf(condition).every((one) => complete(one, columns))
}

const spanWords = ({ n, unit }: { n: number; unit: TimeUnit }): string => `${n} ${unit}${n === 1 ? '' : 's'}`

const momentWords = ({ at, ago }: ConditionMoment): string => (ago === undefined ? (at ?? '…') : `${spanWords(ago)} ago`)

const periodWords = ({ n, unit, calendar }: ConditionPeriod): string => {
  const many = n === 1 ? unit : `${n} ${unit}s`
  return calendar ? `the previous ${n === 1 ? '' : `${n} `}calendar ${unit}${n === 1 ? '' : 's'}` : `the last ${many}`
}

/** At most three values, and how many more there are. */
function valueWords(values: unknown[]): string {
  const shown = values.slice(0, 3).map((value) => (value === '' ? '“”' : String(value)))
  const more = values.length - shown.length
  if (more > 0) return `${shown.join(', ')} or ${more} more`
  return shown.length < 2 ? (shown[0] ?? '…') : `${shown.slice(0, -1).join(', ')} or ${shown.at(-1)}`
}

/** A condition on a column in words. */
export function propertyWords(property: PropertyCondition, columns: ConditionColumn[]): string {
  const { column, path, operator, values, percentile, from, to, period } = property
  const name = [columns.find((one) => one.name === column)?.label ?? column, path].filter(Boolean).join('.')
  const said = `${name || '…'} ${wordsOf(operator)}`
  switch (operandOf(operator, typeOf(property, columns) ?? 'string')) {
    case 'none':
      return said
    case 'size':
      return percentile === undefined ? `${said} ${valueWords(values ?? [])}` : `${said} the percentile ${percentile < 0 ? '…' : percentile}`
    case 'moment':
      return `${said} ${momentWords(from ?? {})}`
    case 'moments':
      return `${said} ${momentWords(from ?? {})} and ${momentWords(to ?? {})}`
    case 'period':
      return `${said} ${period === undefined ? '…' : periodWords(period)}`
    default:
      return `${said} ${valueWords(values ?? [])}`
  }
}

/** Conditions in one sentence without its full stop; the empty text where there are none. */
export function conditionWords(condition: Condition, columns: ConditionColumn[], inner = false): string {
  if (condition.property !== undefined) return propertyWords(condition.property, columns)
  const parts = membersOf(condition).map((one) => conditionWords(one, columns, true)).filter(Boolean)
  const words = junctionOf(condition) === 'all' ? sentenceList(parts) : parts.join(' or ')
  return inner && parts.length > 1 ? `(${words})` : words
}

/** The values that a text or a file of them holds: separated by commas, semicolons, tabs or lines, each once; quotation marks hold one together. */
export function valuesIn(text: string): string[] {
  const values: string[] = []
  for (const [, quoted, plain] of text.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,;\t\r\n]*))\s*(?:[,;\t\r\n]|$)/g)) {
    const value = quoted === undefined ? (plain ?? '').trim() : quoted.replaceAll('""', '"')
    if (value !== '') values.push(value)
  }
  return [...new Set(values)]
}

/** Texts as numbers, without those that are none, each once. */
export const numbersIn = (texts: string[]): number[] => [...new Set(texts.map((text) => Number(text)).filter((n) => Number.isFinite(n)))]

/** Conditions that an address holds; nothing where it holds none. */
export const fromAddress = (value: unknown): Condition | undefined => (wellFormed(value) && isGroup(value) && membersOf(value).length > 0 ? value : undefined)

function wellFormed(value: unknown): value is Condition {
  if (typeof value !== 'object' || value === null) return false
  const { all, any, property } = value as Record<string, unknown>
  if (property !== undefined) {
    const { column, operator, values } = (property ?? {}) as Record<string, unknown>
    return typeof column === 'string' && typeof operator === 'string' && operator in operatorWords && (values === undefined || Array.isArray(values))
  }
  const members = all ?? any ?? []
  return Array.isArray(members) && members.every(wellFormed)
}
