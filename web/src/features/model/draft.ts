import type { File, Model, ModelBi, ModelColumn, ModelDbt, ModelMethod, ModelSpec, Preview, Sheet, TableRef } from '~/services/types'

/** What describes a model's rows. */
export interface RowsDraft {
  source: string
  method: ModelMethod
  sql: string
  table: TableRef | undefined
  file?: File
  sheet?: Sheet
  dbt?: ModelDbt
  bi?: ModelBi
}

/** What describes the rows of a model that exists. */
export const rowsOf = ({ spec }: Pick<Model, 'spec'>): RowsDraft => ({
  source: spec.source,
  method: spec.method,
  sql: spec.sql ?? '',
  table: spec.table,
  file: spec.file,
  sheet: spec.sheet,
  dbt: spec.dbt,
  bi: spec.bi,
})

/** The part of a model that its method is about. */
export function rowsPart(draft: RowsDraft): Pick<ModelSpec, 'sql' | 'table' | 'file' | 'sheet' | 'dbt' | 'bi'> {
  switch (draft.method) {
    case 'sql':
      return { sql: draft.sql.trim() }
    case 'table':
      return { table: draft.table }
    case 'file':
      return { file: draft.file }
    case 'sheet':
      return { sheet: draft.sheet }
    case 'dbt':
      return { dbt: draft.dbt }
    case 'bi':
      return { bi: draft.bi }
  }
}

/** What a model's rows are described by, in words. */
export const methodWords: Record<ModelMethod, string> = { sql: 'SQL query', table: 'Table selector', file: 'File', sheet: 'Sheet', dbt: 'dbt model', bi: 'BI tool' }

/** Whether there is enough to preview. */
export const canPreview = (draft: RowsDraft): boolean => draft.source !== '' && isComplete(draft)

function isComplete({ method, sql, table, file, sheet, dbt, bi }: RowsDraft): boolean {
  switch (method) {
    case 'sql':
      return sql.trim() !== ''
    case 'table':
      return table !== undefined
    case 'file':
      return file !== undefined && (file.path.trim() !== '' || file.newest === true)
    case 'sheet':
      return sheet !== undefined && sheet.name !== ''
    case 'dbt':
      return dbt !== undefined && dbt.project !== '' && dbt.node !== ''
    case 'bi':
      return bi !== undefined && bi.tool !== '' && bi.item !== ''
  }
}

/** The part of a draft that decides which rows come out: a preview is of these. */
export const rowsKey = (draft: RowsDraft): string =>
  JSON.stringify([draft.source, draft.method, Object.values(rowsPart(draft))])

/** The columns of a preview; casts and descriptions that people gave to a column of the same name stay. */
export function columnsOf(preview: Preview, before: ModelColumn[]): ModelColumn[] {
  const known = new Map(before.map((column) => [column.name, column]))
  return (preview.columns ?? []).map(({ name, type, native, description }) => ({ ...known.get(name), name, type, native, description }))
}

/** The column that most likely identifies a row: unique and never null in the preview, best by its name. */
export function guessKey(preview: Preview): string {
  const columns = preview.columns ?? []
  const rows = preview.rows ?? []
  const unique = columns.filter((_, i) => {
    const values = rows.map((row) => row[i])
    return values.every((v) => v !== null && v !== undefined) && new Set(values.map((v) => JSON.stringify(v))).size === rows.length
  })
  const named = (pattern: RegExp) => unique.find((column) => pattern.test(column.name))
  return (named(/^id$/i) ?? named(/(_id|_key|uuid)$/i) ?? named(/id$/i) ?? named(/email/i) ?? unique[0])?.name ?? ''
}

/** What speaks against a column as primary key, as far as the preview shows (M-03). */
export function keyProblem(preview: Preview, key: string): string | undefined {
  const index = (preview.columns ?? []).findIndex((column) => column.name === key)
  if (index < 0) return key === '' ? 'Choose the column that identifies a row.' : `The preview has no column ${key}.`
  const values = (preview.rows ?? []).map((row) => row[index])
  if (values.some((v) => v === null || v === undefined)) return `${key} has nulls in the preview; those rows are never synced.`
  if (new Set(values.map((v) => JSON.stringify(v))).size < values.length) {
    return `${key} has duplicates in the preview; those rows are rejected.`
  }
  return undefined
}

/** A UNION that gives an empty result one row, so that the model can be saved (M-19). */
export function emptyWorkaround(preview: Preview): string {
  const literals = (preview.columns ?? []).map((column) => (column.type === 'string' ? "'ignore'" : 'null'))
  return `UNION ALL SELECT ${literals.join(', ') || "'ignore'"}`
}

/** The spec that a draft becomes. */
export function specOf(draft: RowsDraft, primaryKey: string, columns: ModelColumn[], description: string): ModelSpec {
  return { source: draft.source, method: draft.method, ...rowsPart(draft), primaryKey, columns, description }
}

/** How long a hundred rows of a model may take before people hear of it. */
const slowMs = 10_000

/** Whether a model is slow even for the few rows of a preview: it does its work again in every run (S-92). */
export const isSlow = ({ durationMs, rows }: Pick<Preview, 'durationMs' | 'rows'>): boolean => durationMs >= slowMs && (rows ?? []).length <= 100
