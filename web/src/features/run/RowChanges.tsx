import { cellText } from '~/components/grid/types'
import type { Json, OneRow } from '~/services/types'
import classes from './Run.module.css'

const same = (a: Json | undefined, b: Json | undefined): boolean => JSON.stringify(a) === JSON.stringify(b)

/** The values of a row, and what they were before where they changed. */
export function RowChanges({ row }: { row: OneRow }) {
  return (
    <table className={classes.changes}>
      <caption className="visually-hidden">Values of row {row.key}</caption>
      <tbody>
        {row.columns.map((name) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>
              {row.before !== undefined && name in row.before && !same(row.before[name], row.values?.[name]) && (
                <>
                  <del>{cellText(row.before[name]) ?? 'null'}</del> →{' '}
                </>
              )}
              {cellText(row.values?.[name]) ?? 'null'}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
