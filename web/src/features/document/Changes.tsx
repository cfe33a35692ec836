import type { Change } from '~/services/documents'
import type { Json } from '~/services/types'
import classes from './Changes.module.css'

const textOf = (value: Json | undefined): string =>
  value === null || value === undefined ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value, null, 1).replace(/\n\s*/g, ' ')

/** What changes in a document: each field with its value before and after. */
export function Changes({ changes }: { changes: Change[] }) {
  return (
    <div className={classes.scroller}>
      <table className={classes.table}>
        <caption className="visually-hidden">Changes</caption>
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {changes.map(({ path, from, to }) => (
            <tr key={path}>
              <th scope="row">{path.replace(/^spec\./, '')}</th>
              <td>{from === null || from === undefined ? <span className="muted">nothing</span> : <del>{textOf(from)}</del>}</td>
              <td>{to === null || to === undefined ? <span className="muted">nothing</span> : <ins>{textOf(to)}</ins>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
