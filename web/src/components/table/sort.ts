/** How a table is sorted by a column; the sort is a column's name, with a minus for descending. */
export function sortDirection(sort: string, column: string): 'ascending' | 'descending' | undefined {
  if (sort === column) return 'ascending'
  return sort === `-${column}` ? 'descending' : undefined
}

/** The sort after a click on a column: ascending, then descending, then as it was. */
export function nextSort(sort: string, column: string): string {
  const direction = sortDirection(sort, column)
  if (direction === undefined) return column
  return direction === 'ascending' ? `-${column}` : ''
}
