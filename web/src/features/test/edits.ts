import { cellText } from '~/components/grid/types'
import type { ColumnType, Json, RowEdit, TestColumn } from '~/services/types'

/** The changes of a row, by column. */
export type Edits = Record<string, RowEdit>

/** The type that the value of an edit has; null is a type to those who edit. */
export type EditType = ColumnType | 'null'

export const editTypes: { value: EditType; label: string }[] = [
  { value: 'string', label: 'String' },
  { value: 'number', label: 'Number' },
  { value: 'boolean', label: 'Boolean' },
  { value: 'timestamp', label: 'Timestamp' },
  { value: 'date', label: 'Date' },
  { value: 'object', label: 'Object / Array' },
  { value: 'null', label: 'Null' },
]

/** The type in which a value is edited first. */
export const typeToEdit = (column: TestColumn, value: Json | undefined): EditType => (value === null || value === undefined ? 'null' : column.type)

/** What is edited of a value. */
export const textToEdit = (value: Json | undefined): string => cellText(value) ?? ''

/** The edit that a text of a type makes. The server reads the text as the type. */
export const editOf = (type: EditType, text: string): RowEdit => (type === 'null' ? { type: 'string', value: null } : { type, value: text })

const number = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/

/** What is wrong with a text of a type, as far as it can be known here. */
export function editProblem(type: EditType, text: string): string | undefined {
  switch (type) {
    case 'number':
      return number.test(text) ? undefined : 'This is not a number.'
    case 'boolean':
      return text === 'true' || text === 'false' ? undefined : 'Choose true or false.'
    case 'object':
      return isJson(text) ? undefined : 'This is not JSON.'
    default:
      return undefined
  }
}

function isJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null
  } catch {
    return false
  }
}

/** The edits without one column's, or with another one of it. */
export function withEdit(edits: Edits, column: string, edit: RowEdit | undefined): Edits {
  const { [column]: _, ...others } = edits
  return edit === undefined ? others : { ...others, [column]: edit }
}
