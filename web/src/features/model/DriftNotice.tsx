import { Alert, Button } from '@mantine/core'
import { IconArrowRight, IconColumns3, IconLinkOff } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { TimeAgo } from '~/components/format/TimeAgo'
import { typeWords } from '~/components/grid/types'
import type { ColumnUse, Drift } from '~/services/types'
import { ColumnUsers } from './ColumnUsers'
import classes from './Model.module.css'
import { usersOf } from './uses'

interface Props {
  drift: Drift
  uses: ColumnUse[]
  /** Takes the columns over as the source has them. */
  onAdopt: () => void
  adopting: boolean
}

/** How the columns in the source differ from those of the model, and who depends on those that change. */
export function DriftNotice({ drift, uses, onAdopt, adopting }: Props) {
  const used = (column: string) =>
    usersOf(uses, column).length > 0 && (
      <>
        ; used by <ColumnUsers uses={uses} column={column} />
      </>
    )
  return (
    <Alert
      icon={<IconColumns3 size={18} />}
      title="The columns in the source have changed"
    >
      <div className="stack" style={{ gap: 10 }}>
        <ul className={classes.drift} aria-label="Changed columns">
          {drift.renamed.map(({ from, to }) => (
            <Entry key={from} word="Renamed">
              <code>{from}</code> <IconArrowRight size={13} aria-label="to" /> <code>{to}</code>, as it seems{used(from)}
            </Entry>
          ))}
          {drift.removed.map(({ name }) => (
            <Entry key={name} word="Gone">
              <code>{name}</code>
              {used(name)}
            </Entry>
          ))}
          {drift.retyped.map(({ name, from, to }) => (
            <Entry key={name} word="Other type">
              <code>{name}</code>: {typeWords[from]} <IconArrowRight size={13} aria-label="to" /> {typeWords[to]}
              {used(name)}
            </Entry>
          ))}
          {drift.added.map(({ name, native, type }) => (
            <Entry key={name} word="New">
              <code>{name}</code> <span>{native ?? type}</span>
            </Entry>
          ))}
        </ul>
        <div className="row wrap">
          <Button size="xs" loading={adopting} onClick={onAdopt}>
            Take the columns over
          </Button>
          <span className="small">
            Seen <TimeAgo at={drift.seenAt} />. Casts and descriptions of columns that stay are kept.
          </span>
        </div>
      </div>
    </Alert>
  )
}

const Entry = ({ word, children }: { word: string; children: ReactNode }) => (
  <li>
    <strong>{word}</strong> <span>{children}</span>
  </li>
)

/** Columns that documents use although the model has them no longer, or would not have them. */
export function MissingColumns({ columns, uses, title }: { columns: string[]; uses: ColumnUse[]; title: string }) {
  if (columns.length === 0) return null
  return (
    <Alert color="red" icon={<IconLinkOff size={18} />} title={title}>
      <ul className={classes.drift} aria-label={title}>
        {columns.map((column) => (
          <li key={column}>
            <code>{column}</code>{' '}
            <span>
              used by <ColumnUsers uses={uses} column={column} />
            </span>
          </li>
        ))}
      </ul>
    </Alert>
  )
}
