import type { ReactNode } from 'react'

/** A link to the vendor's page, in a window of its own; text alone where there is no page. */
export function ExternalLink({ to, children }: { to: string | undefined; children: ReactNode }) {
  if (to === undefined || !to.startsWith('https://')) return <>{children}</>
  return (
    <a href={to} target="_blank" rel="noreferrer">
      {children}
    </a>
  )
}
