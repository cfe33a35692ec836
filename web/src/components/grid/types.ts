import type { ColumnType, FieldType, Json, TableRef } from '~/services/types'

/** The words of the column types (M-23). */
export const typeWords: Record<ColumnType, string> = {
  boolean: 'Boolean',
  number: 'Number',
  string: 'String',
  timestamp: 'Timestamp',
  date: 'Date',
  object: 'Object / Array',
}

/** The words of the types of a destination's fields (M-24). */
export const fieldTypeWords: Record<FieldType, string> = {
  ...typeWords,
  date: 'Date/time',
  array: 'Array',
  reference: 'Associated field',
  null: 'Null value',
  unknown: 'Unknown type',
}

/** The dotted name of a table. */
export const tableName = (ref: TableRef): string => [ref.database, ref.schema, ref.name].filter(Boolean).join('.')

/** The text of a cell; a null is no text. */
export function cellText(value: Json | undefined): string | null {
  if (value === null || value === undefined) return null
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
