import { cellText } from '~/components/grid/types'
import type { Json, RunRow } from '~/services/types'
import classes from './Run.module.css'

const same = (a: Json | undefined, b: Json | undefined): boolean => JSON.stringify(a) === JSON.stringify(b)

/** The values of a row, and what they were before where they changed. */
export function RowChanges({ row }: { row: RunRow }) {
  return (
    <table className={classes.changes}>
      <caption className="visually-hidden">Values of row {row.key}</caption>
      <tbody>
        {Object.entries(row.values ?? {}).map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>
              {row.before !== undefined && !same(row.before[name], value) && (
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
