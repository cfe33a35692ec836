import { Link } from '@tanstack/react-router'
import { count } from '~/components/format/format'
import type { Sync } from '~/services/types'
import { healthOf } from './health'
import classes from './Home.module.css'

/** The health of all syncs in four numbers. */
export function HealthLine({ syncs }: { syncs: Sync[] }) {
  const health = healthOf(syncs)
  const parts = [
    { label: 'Healthy', value: health.healthy, tone: 'good', status: 'healthy' },
    { label: 'Need attention', value: health.attention, tone: 'bad', status: 'failed' },
    { label: 'Running', value: health.busy, tone: 'busy', status: 'in_progress' },
    { label: 'Waiting or disabled', value: health.idle, tone: 'idle', status: 'pending' },
  ]
  return (
    <section className={classes.health} aria-label="Health of all syncs">
      {parts.map(({ label, value, tone, status }) => (
        <Link key={label} to="/syncs" search={{ status: [status] }} className={classes.part} data-tone={value > 0 ? tone : undefined}>
          <span className={classes.partLabel}>{label}</span>
          <strong>{count(value)}</strong>
        </Link>
      ))}
    </section>
  )
}
