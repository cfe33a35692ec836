import type { ReactNode } from 'react'
import classes from './Table.module.css'

interface Props {
  icon?: ReactNode
  /** A link to the row's page. */
  link: ReactNode
  note?: ReactNode
  /** The note is for narrow windows, where other columns are left out. */
  narrow?: boolean
}

/** The cell that names the row and leads to its page. */
export function NameCell({ icon, link, note, narrow = false }: Props) {
  return (
    <div className={classes.nameCell}>
      {icon}
      <div>
        {link}
        {note !== undefined && <small className={narrow ? classes.narrowOnly : undefined}>{note}</small>}
      </div>
    </div>
  )
}
