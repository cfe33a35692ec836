import { useId, type ReactNode } from 'react'

interface Props {
  title?: ReactNode
  actions?: ReactNode
  /** Without padding, for tables and editors that reach the border. */
  flush?: boolean
  children: ReactNode
}

/** A titled part of a page. */
export function Card({ title, actions, flush = false, children }: Props) {
  const id = useId()
  return (
    <section className="card" aria-labelledby={title === undefined ? undefined : id}>
      {title !== undefined && (
        <header>
          <h2 id={id}>{title}</h2>
          {actions !== undefined && <div className="row">{actions}</div>}
        </header>
      )}
      <div className={flush ? undefined : 'card-body'}>{children}</div>
    </section>
  )
}
