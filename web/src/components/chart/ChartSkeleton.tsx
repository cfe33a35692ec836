import { Skeleton } from '@mantine/core'
import classes from './Chart.module.css'

const heights = [38, 62, 45, 80, 54, 70, 30, 58, 90, 48, 66, 40, 74, 52]

/** Grey bars in the place of a chart that is on its way, as high as it will be. */
export const ChartSkeleton = () => (
  <div className={classes.skeleton} role="status" aria-label="Loading">
    {heights.map((height, i) => (
      <Skeleton key={i} height={`${height}%`} radius={2} />
    ))}
  </div>
)
