import { useQueryClient, type InfiniteData } from '@tanstack/react-query'
import { cellText } from '~/components/grid/types'
import type { Json, List, Run, RunRow } from '~/services/types'
import classes from './Run.module.css'

/** The row as the list behind the drawer has it. */
function useRow(run: Run, ordinal: number): RunRow | undefined {
  const client = useQueryClient()
  return client
    .getQueriesData<InfiniteData<List<RunRow>>>({ queryKey: ['runs', 'rows', run.id] })
    .flatMap(([, data]) => data?.pages ?? [])
    .flatMap((page) => page.items ?? [])
    .find((row) => row.ordinal === ordinal)
}

const same = (a: Json | undefined, b: Json | undefined): boolean => JSON.stringify(a) === JSON.stringify(b)

/** The values of a row, and what they were before where they changed. */
export function RowChanges({ run, ordinal }: { run: Run; ordinal: number }) {
  const row = useRow(run, ordinal)
  if (row === undefined) return null
  return (
    <table className={classes.changes}>
      <caption className="visually-hidden">Values of row {row.key}</caption>
      <tbody>
        {Object.entries(row.values ?? {}).map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>
              {row.before !== null && !same(row.before[name], value) && (
                <>
                  <del>{cellText(row.before[name]) ?? 'null'}</del> →{' '}
                </>
              )}
              {cellText(value) ?? 'null'}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
