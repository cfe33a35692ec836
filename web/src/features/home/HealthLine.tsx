import { Link } from '@tanstack/react-router'
import { count } from '~/components/format/format'
import { statesOf, type Health } from './health'
import classes from './Home.module.css'

const parts = [
  { part: 'healthy', label: 'Healthy', tone: 'good' },
  { part: 'attention', label: 'Need attention', tone: 'bad' },
  { part: 'busy', label: 'Running', tone: 'busy' },
  { part: 'idle', label: 'Waiting or disabled', tone: 'idle' },
] as const

/** The health of all syncs in four numbers, each of which leads to what it counts. */
export function HealthLine({ health }: { health: Health }) {
  return (
    <section className={classes.health} aria-label="Health of all syncs">
      {parts.map(({ part, label, tone }) => (
        <Link key={part} to="/syncs" search={{ status: statesOf(part) }} className={classes.part} data-tone={health[part] > 0 ? tone : undefined}>
          <span className={classes.partLabel}>{label}</span>
          <strong>{count(health[part])}</strong>
        </Link>
      ))}
    </section>
  )
}
