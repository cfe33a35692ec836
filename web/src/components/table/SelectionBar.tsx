import type { ReactNode } from 'react'
import { count } from '~/components/format/format'
import classes from './Table.module.css'

/** Says how many rows are chosen, with what can be done with them. */
export const SelectionBar = ({ size, children }: { size: number; children: ReactNode }) => (
  <div className={classes.selection} role="region" aria-label="Selection">
    <strong className="num" role="status">
      {count(size)} selected
    </strong>
    {children}
  </div>
)
