import type { Icon } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import classes from './feedback.module.css'

interface Props {
  icon: Icon
  title: string
  children?: ReactNode
  action?: ReactNode
}

/** What stands where there is nothing yet, and what to do about it. */
export function EmptyState({ icon: EmptyIcon, title, children, action }: Props) {
  return (
    <div className={classes.empty}>
      <EmptyIcon size={34} stroke={1.3} aria-hidden />
      <h2>{title}</h2>
      {children !== undefined && <p className="muted">{children}</p>}
      {action}
    </div>
  )
}
