import { Skeleton } from '@mantine/core'
import classes from './feedback.module.css'

/** Grey lines in the place of rows that are on their way. */
export function LoadingRows({ rows = 6 }: { rows?: number }) {
  return (
    <div className={classes.loading} role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, i) => (
        <Skeleton key={i} height={18} width={`${92 - ((i * 17) % 38)}%`} />
      ))}
    </div>
  )
}

/** Grey blocks in the place of a page. */
export function LoadingPage() {
  return (
    <div className={classes.loadingPage} role="status" aria-label="Loading">
      <Skeleton height={26} width="32%" />
      <Skeleton height={14} width="48%" />
      <Skeleton height={260} />
    </div>
  )
}
