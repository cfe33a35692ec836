import type { ListSearch } from '~/routes/search'
import type { Column } from './DataTable'

const order = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

/** The rows in whose texts every searched word occurs, in the order of a column; where none is named, of the first one that sorts. */
export function arranged<T>(rows: T[], columns: Column<T>[], { search = '', sort }: Pick<ListSearch, 'search' | 'sort'>): T[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const textOf = (row: T) => columns.map(({ text }) => text?.(row) ?? '').join(' ').toLowerCase()
  const found = words.length === 0 ? [...rows] : rows.filter((row) => words.every((word) => textOf(row).includes(word)))
  const by = columns.find((column) => column.sort !== undefined && (sort === undefined || column.sort === sort.replace(/^-/, '')))
  const sign = sort?.startsWith('-') ? -1 : 1
  const key = (row: T) => (by?.order ?? by?.text)?.(row) ?? ''
  return found.sort((a, b) => sign * order.compare(key(a), key(b)))
}
