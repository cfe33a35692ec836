import { IconChevronRight } from '@tabler/icons-react'
import { Link, type LinkProps } from '@tanstack/react-router'
import { Fragment, useEffect, type ReactNode } from 'react'
import classes from './Page.module.css'

export interface Crumb {
  label: string
  to: LinkProps['to']
}

interface Props {
  title: string
  /** What stands before the title, such as an icon. */
  icon?: ReactNode
  crumbs?: Crumb[]
  /** Beside the title: badges. */
  aside?: ReactNode
  /** Below the title: facts in small print. */
  meta?: ReactNode
  actions?: ReactNode
  /** Narrow pages hold forms; wide ones hold tables. */
  width?: 'narrow' | 'wide'
  children: ReactNode
}

function Crumbs({ crumbs }: { crumbs: Crumb[] }) {
  return (
    <nav aria-label="Breadcrumb" className={classes.crumbs}>
      {crumbs.map((crumb, i) => (
        <Fragment key={crumb.label}>
          {i > 0 && <IconChevronRight size={12} aria-hidden />}
          <Link to={crumb.to}>{crumb.label}</Link>
        </Fragment>
      ))}
    </nav>
  )
}

/** The frame of every page: where one is, what it is, what can be done. */
export function Page({ title, icon, crumbs, aside, meta, actions, width = 'wide', children }: Props) {
  useEffect(() => {
    document.title = `${title} · Millrace`
  }, [title])
  return (
    <div className={`${classes.page} ${width === 'narrow' ? classes.narrow : ''}`}>
      <header className={classes.header}>
        {crumbs !== undefined && <Crumbs crumbs={crumbs} />}
        <div className={classes.titleRow}>
          <div className={classes.title}>
            {icon}
            <h1 title={title}>{title}</h1>
            {aside}
          </div>
          {actions !== undefined && <div className={classes.actions}>{actions}</div>}
        </div>
        {meta !== undefined && <div className={classes.meta}>{meta}</div>}
      </header>
      {children}
    </div>
  )
}
