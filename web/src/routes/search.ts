/** What a page keeps in its address. Anything else that an address holds is dropped. */

import type { ModelMethod } from '~/services/types'

type Raw = Record<string, unknown>

/** A text of the address; numbers and booleans count as the text that they were typed as. */
export function text(raw: Raw, name: string): string | undefined {
  const value = raw[name]
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** One of the values, or nothing. */
export function oneOf<T extends string>(raw: Raw, name: string, values: readonly T[]): T | undefined {
  const value = text(raw, name)
  return values.find((v) => v === value)
}

/** A whole number of at least 0, or nothing. */
export function whole(raw: Raw, name: string): number | undefined {
  const value = Number(text(raw, name))
  return Number.isSafeInteger(value) && value >= 0 && text(raw, name) !== undefined ? value : undefined
}

/** The object without what is undefined, so that addresses stay short. */
function compact<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T
}

/** Texts of the address, whether it holds one or several; nothing where it holds none. */
export function texts(raw: Raw, name: string): string[] | undefined {
  const value = raw[name]
  const all = (Array.isArray(value) ? (value as unknown[]) : [value]).map((one) => text({ one }, 'one')).filter((one) => one !== undefined)
  return all.length === 0 ? undefined : all
}

/** What narrows and orders a list. Several values of one filter are alternatives; every filter must hold (FOL-05). */
export interface ListSearch {
  search?: string
  folder?: string
  type?: string[]
  status?: string[]
  label?: string[]
  notLabel?: string[]
  source?: string[]
  destination?: string[]
  model?: string[]
  createdBy?: string[]
  method?: string[]
  sourceType?: string[]
  alerts?: string
  duplicates?: string
  sort?: string
}

/** The filters of which several values can be chosen. */
export const manyFilters = ['type', 'status', 'label', 'notLabel', 'source', 'destination', 'model', 'createdBy', 'method', 'sourceType'] as const

const sortPattern = /^-?[a-zA-Z]+$/

export function listSearch(raw: Raw): ListSearch {
  const sort = text(raw, 'sort')
  return compact({
    search: text(raw, 'search'),
    folder: text(raw, 'folder'),
    ...Object.fromEntries(manyFilters.map((name) => [name, texts(raw, name)])),
    alerts: text(raw, 'alerts'),
    duplicates: text(raw, 'duplicates'),
    sort: sort !== undefined && sortPattern.test(sort) ? sort : undefined,
  })
}

/** How a lineage is looked at. */
export interface LineageSearch {
  search?: string
  view?: 'list'
  trouble?: boolean
}

export const lineageSearch = (raw: Raw): LineageSearch =>
  compact({ search: text(raw, 'search'), view: oneOf(raw, 'view', ['list']), trouble: text(raw, 'trouble') === 'true' || undefined })

/** The look belongs to the tab with the lineage. */
export interface TabSearch extends LineageSearch {
  tab?: string
}

export const tabSearch = (raw: Raw): TabSearch => compact({ tab: text(raw, 'tab'), ...lineageSearch(raw) })

/** A model's page; its preview can be narrowed by conditions. */
export interface ModelSearch extends TabSearch {
  /** Conditions, which whoever uses them looks through. */
  filter?: object
}

export const modelSearch = (raw: Raw): ModelSearch => compact({ ...tabSearch(raw), filter: typeof raw.filter === 'object' && raw.filter !== null ? raw.filter : undefined })

export interface TypeSearch {
  type?: string
}

export const typeSearch = (raw: Raw): TypeSearch => compact({ type: text(raw, 'type') })

export interface ModelNewSearch {
  source?: string
  method?: ModelMethod
}

export const modelNewSearch = (raw: Raw): ModelNewSearch =>
  compact({ source: text(raw, 'source'), method: oneOf(raw, 'method', ['sql', 'table', 'file', 'sheet', 'dbt', 'bi']) })

export const syncSteps = ['model', 'destination', 'configure', 'schedule'] as const
export type SyncStep = (typeof syncSteps)[number]

export interface SyncNewSearch {
  model?: string
  destination?: string
  step?: SyncStep
}

export const syncNewSearch = (raw: Raw): SyncNewSearch =>
  compact({ model: text(raw, 'model'), destination: text(raw, 'destination'), step: oneOf(raw, 'step', syncSteps) })

export interface SyncSearch extends TabSearch {
  runs?: 'nonempty' | 'succeeded'
  /** The test of a row is open. */
  test?: 'row'
  /** The primary key of the row to test. */
  key?: string
}

export const syncSearch = (raw: Raw): SyncSearch =>
  compact({
    ...tabSearch(raw),
    runs: oneOf(raw, 'runs', ['nonempty', 'succeeded']),
    test: oneOf(raw, 'test', ['row']),
    key: text(raw, 'key'),
  })

export interface RunSearch {
  tab?: 'successful' | 'rejected'
  operation?: 'added' | 'changed' | 'removed'
  key?: string
  row?: number
}

export const runSearch = (raw: Raw): RunSearch =>
  compact({
    tab: oneOf(raw, 'tab', ['successful', 'rejected']),
    operation: oneOf(raw, 'operation', ['added', 'changed', 'removed']),
    key: text(raw, 'key'),
    row: whole(raw, 'row'),
  })

export interface SignInSearch {
  next?: string
}

/** Only a path of our own is followed after signing in. */
export function signInSearch(raw: Raw): SignInSearch {
  const next = text(raw, 'next')
  return next !== undefined && /^\/(?![/\\])/.test(next) ? { next } : {}
}
