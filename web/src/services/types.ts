/**
 * The shapes of Millrace's own HTTP API. They mirror the Go types: connector.Field and its
 * neighbours, the Spec structs of the kinds, and the answers of the API's handlers.
 */

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }
/** Values of connector fields, by field name. */
export type Settings = Record<string, Json>

export type FieldType = 'string' | 'text' | 'secret' | 'number' | 'boolean' | 'select' | 'list' | 'headers' | 'object'

export interface Option {
  value: string
  label: string
  help?: string
}

export interface Field {
  name: string
  label: string
  help?: string
  type: FieldType
  default?: Json
  example?: string
  required?: boolean
  advanced?: boolean
  secret?: boolean
  options?: Option[] | null
  optionsFrom?: string
  creatable?: boolean
  showIf?: { field: string; in: string[] } | null
  min?: number
  max?: number
  fields?: Field[] | null
}

export interface SampleQuery {
  title: string
  sql: string
}

export interface SourceInfo {
  slug: string
  name: string
  category: string
  summary: string
  fields: Field[] | null
  methods: string[] | null
  engines: string[] | null
  sample: boolean
  queries?: SampleQuery[] | null
  verified: boolean
}

export type Mode = 'update' | 'insert' | 'upsert' | 'add' | 'remove' | 'archive' | 'all' | 'snapshot' | 'diff' | 'trigger'
export type Operation = 'added' | 'changed' | 'removed'
export type DeleteBehavior = 'nothing' | 'clear' | 'delete'

export interface SyncType {
  slug: string
  name: string
  summary?: string
  modes: Mode[] | null
  deletes: DeleteBehavior[] | null
  fields: Field[] | null
  match: { modes?: Mode[] | null }
  mapping: { enabled: boolean; required: boolean; advanced: boolean; custom: boolean; allByName: boolean }
  compare: 'mapped' | 'all'
  /** The destination can empty the segment or table that the sync fills (SY-13). */
  clears?: boolean
}

export interface DestinationInfo {
  slug: string
  name: string
  category: string
  summary: string
  fields: Field[] | null
  syncTypes: SyncType[] | null
  verified: boolean
}

export interface TargetField {
  name: string
  label?: string
  type: string
  native: string
  required: boolean
  match: boolean
  readOnly?: boolean
  help?: string
}

export interface Exchange {
  method: string
  url: string
  requestHeaders?: { name: string; value: string }[]
  requestBody?: string
  status?: number
  responseHeaders?: { name: string; value: string }[]
  responseBody?: string
  error?: string
  startedAt: string
  /** Nanoseconds. */
  duration: number
}

export type Kind = 'source' | 'model' | 'destination' | 'sync'
export type KindPath = 'sources' | 'models' | 'destinations' | 'syncs'

export interface Metadata {
  id: number
  uuid: string
  slug: string
  name: string
  labels: Record<string, string> | null
  folder: string | null
  revision: number
  createdAt: string
  updatedAt: string
  createdBy: string
  updatedBy: string
}

export interface Document<S, T> {
  kind: Kind
  metadata: Metadata
  spec: S
  status?: T
}

/** What is sent to create or replace a document. */
export interface Draft<S> {
  metadata: { name: string; slug?: string; labels?: Record<string, string>; folder?: string | null; revision?: number }
  spec: S
}

export interface List<T> {
  items: T[] | null
  nextCursor: string | null
  total: number
}

export interface Items<T> {
  items: T[] | null
}

export interface LastTest {
  ok: boolean
  at: string
  error?: string
}

export interface SourceSpec {
  type: string
  configuration: Settings | null
  engine?: string
  description?: string
}
export interface SourceStatus {
  sample: boolean
  modelCount: number
  /** Absent where the server does not keep the results of connection tests. */
  lastTest?: LastTest | null
}
export type Source = Document<SourceSpec, SourceStatus>

export interface DestinationSpec {
  type: string
  configuration: Settings | null
  description?: string
}
export interface DestinationStatus {
  syncCount: number
  lastTest?: LastTest | null
}
export type Destination = Document<DestinationSpec, DestinationStatus>

export type ColumnType = 'boolean' | 'number' | 'string' | 'timestamp' | 'date' | 'object'

export interface TableRef {
  database?: string
  schema?: string
  name: string
}

export interface ModelColumn {
  name: string
  type: ColumnType
  native?: string
  cast?: ColumnType
  description?: string
  override?: string
}

export interface ModelSpec {
  source: string
  method: 'sql' | 'table'
  sql?: string
  table?: TableRef
  primaryKey: string
  columns?: ModelColumn[] | null
  description?: string
}
export interface ModelStatus {
  source: { slug: string; name: string; type: string }
  syncCount: number
  lastRunRows: number | null
}
export type Model = Document<ModelSpec, ModelStatus>

export interface Table {
  ref: TableRef
  kind: 'table' | 'view'
  columns: { name: string; type: ColumnType; native?: string; nullable: boolean; description?: string }[] | null
  rows?: number | null
}
export interface Tables {
  items: Table[] | null
  refreshedAt: string | null
}

export interface PreviewRequest {
  source: string
  method: 'sql' | 'table'
  sql?: string
  table?: TableRef
  limit: number
  count: boolean
  columns?: ModelColumn[]
}
export interface Preview {
  columns: { name: string; type: ColumnType; native?: string }[] | null
  rows: Json[][] | null
  rowCount: number | null
  truncated: boolean
  durationMs: number
}

export type MappingKind = 'column' | 'static' | 'variable' | 'template' | 'object' | 'array'

export interface Mapping {
  to: string
  kind?: MappingKind | ''
  from?: string
  value?: Json
  variable?: string
  template?: string
  fields?: Mapping[]
  omitNull?: boolean
}

export interface MatchPair {
  from: string
  to: string
}

export type Weekday = 'monday' | 'tuesday' | 'wednesday' | 'thursday' | 'friday' | 'saturday' | 'sunday'

export interface Recurrence {
  days: Weekday[]
  time: string
}

export interface Schedule {
  type: 'manual' | 'interval' | 'cron' | 'custom'
  interval?: { unit: 'minute' | 'hour' | 'day' | 'week'; quantity: number } | null
  cron?: string
  recurrences?: Recurrence[] | null
  zone?: string
  start?: string | null
  end?: string | null
}

export interface SyncSpec {
  model: string
  destination: string
  type: string
  mode: Mode
  delete?: DeleteBehavior
  match?: MatchPair[] | null
  mappings?: Mapping[] | null
  allColumns?: boolean
  settings?: Settings | null
  schedule: Schedule
  disabled: boolean
  inDoubt?: 'report' | 'resend'
  description?: string
}

export type SyncState =
  | 'healthy'
  | 'pending'
  | 'disabled'
  | 'querying'
  | 'preparing'
  | 'queued'
  | 'in_progress'
  | 'incomplete'
  | 'failed'

export interface SyncStatus {
  state: SyncState
  label: string
  model: { slug: string; name: string }
  source: { slug: string; name: string; type: string }
  destination: { slug: string; name: string; type: string }
  lastRun: Run | null
  nextRunAt: string | null
}
export type Sync = Document<SyncSpec, SyncStatus>

export interface OperationCounts {
  added: number
  changed: number
  removed: number
}

export interface RowCounts extends OperationCounts {
  unchanged: number
  nullKey: number
  duplicate: number
  ignored: number
}

export interface Problem {
  code: string
  message: string
  path?: string
  suggestion?: string
  requestId?: string
  /** Every wrong field, where there are several. */
  issues?: Problem[] | null
}

export type RunStatus =
  | 'queued'
  | 'querying'
  | 'processing'
  | 'reporting'
  | 'success'
  | 'warning'
  | 'failed'
  | 'cancelled'
  | 'interrupted'
export type RunState =
  | 'queued'
  | 'querying'
  | 'planning'
  | 'delivering'
  | 'settling'
  | 'committed'
  | 'failed'
  | 'cancelled'
  | 'interrupted'

export interface Run {
  id: number
  syncSlug: string
  syncId: number
  trigger: 'manual' | 'schedule' | 'api' | 'recovery'
  state: RunState
  status: RunStatus
  label: string
  createdAt: string
  startedAt: string | null
  finishedAt: string | null
  /** Counts on while the run is under way; 0 before it began. */
  durationMs: number
  progress: number
  rowsRead: number
  rows: RowCounts
  planned: OperationCounts
  succeeded: OperationCounts
  failed: OperationCounts
  aborted: OperationCounts
  inDoubt: number
  ratePerSecond: number
  options: TriggerOptions
  error: Problem | null
}

export interface TriggerOptions {
  fullResync?: boolean
  resetCDC?: boolean
  clearAndFill?: boolean
}

/** What became of a row. Rejected rows were never planned, since their key is not unique. */
export type RowStatus = 'succeeded' | 'failed' | 'aborted' | 'rejected' | 'pending'

export interface RunRow {
  ordinal: number
  key: string
  operation: Operation
  status: RowStatus
  reason: string
  /** Absent among the rows of a batch. */
  values?: Record<string, Json>
  /** Of a changed row, where the destination asks for it. */
  before?: Record<string, Json>
}

export interface RowExchange {
  exchanges: Exchange[] | null
  rows: RunRow[] | null
}

export interface TestResult {
  ok: boolean
  error?: Problem | null
  durationMs: number
}

export interface Activity {
  at: string
  by: string
  action: string
  summary: string
  revision: number
}

export interface Reference {
  kind: Kind
  slug: string
  name: string
}

export interface Folder {
  path: string
  count: number
}

export interface Session {
  user: { id: number; email: string; name: string; role: string }
  workspace: { id: number; slug: string; name: string }
  csrfToken: string
}

export interface ApiKey {
  id: number
  name: string
  prefix: string
  createdAt: string
  createdBy: string
  lastUsedAt: string | null
}

export interface Usage {
  months: { month: string; activeSyncs: number; operations: number }[] | null
}

export interface Version {
  version: string
}
