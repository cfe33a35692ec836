import { Alert } from '@mantine/core'
import { elementColumn } from './expansion'

/** Says that the elements of an array are the sync's rows (SY-89). */
export function ExpansionNotice({ array }: { array: string | undefined }) {
  if (!array) return null
  return (
    <Alert title="Array expansion is on">
      Each element of <code>{array}</code> is a row of its own, and <code>{elementColumn(array)}</code> identifies it. Rows whose array is empty or null
      are not sent. An element that its array has twice is sent once and reported; one that several rows have is rejected. To turn this off, match by a
      column that holds no array.
    </Alert>
  )
}

/** Says why a column of arrays that rows are matched by is not expanded. */
export function NoExpansionNotice({ columns }: { columns: string[] }) {
  if (columns.length === 0) return null
  return (
    <Alert title="Arrays are not expanded here">
      <code>{columns[0]}</code> holds arrays. With the Lightning engine of its source, each element would be a row of its own; as it is, rows are matched by
      the whole array.
    </Alert>
  )
}
