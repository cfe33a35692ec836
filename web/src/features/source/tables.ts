import { tableName } from '~/components/grid/types'
import type { Table } from '~/services/types'

/** The tables in whose name or columns the text occurs. */
export function findTables(tables: Table[], text: string): Table[] {
  const wanted = text.trim().toLowerCase()
  if (wanted === '') return tables
  return tables.filter(
    (table) =>
      tableName(table.ref).toLowerCase().includes(wanted) ||
      (table.columns ?? []).some((column) => column.name.toLowerCase().includes(wanted)),
  )
}

/** Columns by table name, for completion in the SQL editor: with and without the schema. */
export function completionSchema(tables: Table[]): Record<string, string[]> {
  const schema: Record<string, string[]> = {}
  for (const { ref, columns } of tables) {
    const names = (columns ?? []).map((column) => column.name)
    schema[tableName(ref)] = names
    schema[ref.name] ??= names
  }
  return schema
}
