import type { ReactNode } from 'react'
import classes from './Table.module.css'

/** Keeps a cell on one line; the whole text shows on hover. */
export function Clip({ text, children }: { text: string; children?: ReactNode }) {
  return (
    <span className={classes.clip} title={text}>
      {children ?? text}
    </span>
  )
}
