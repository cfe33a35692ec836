import type { Column } from './DataTable'

/** The columns that are shown: those that a person chose, or those that are not extra. The one that fills stays. */
export function shownColumns<T>(columns: Column<T>[], chosen: string[] | undefined): Column<T>[] {
  if (chosen === undefined) return columns.filter((column) => column.extra !== true)
  return columns.filter((column) => column.fill === true || chosen.includes(column.id))
}

/** The choice after a column was switched on or off. */
export function toggled<T>(columns: Column<T>[], chosen: string[] | undefined, id: string): string[] {
  const shown = new Set(shownColumns(columns, chosen).map((column) => column.id))
  if (!shown.delete(id)) shown.add(id)
  return columns.map((column) => column.id).filter((one) => shown.has(one))
}

const widthOf = <T>({ width, fill }: Column<T>): number => (fill === true ? 220 : typeof width === 'number' ? width : 140)

/** How wide the columns are together at least; a narrower place scrolls. */
export const leastWidth = <T>(columns: Column<T>[]): number => columns.reduce((sum, column) => sum + widthOf(column), 0)

/** What of a choice that the browser keeps can be used; nothing where it is none. */
export function keptChoice(text: string | null): string[] | undefined {
  try {
    const value: unknown = JSON.parse(text ?? 'null')
    return Array.isArray(value) && value.every((id) => typeof id === 'string') ? value : undefined
  } catch {
    return undefined
  }
}
