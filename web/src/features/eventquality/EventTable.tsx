import { Button, Progress } from '@mantine/core'
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { useState } from 'react'
import { DataTable, type Column } from '~/components/table/DataTable'
import type { RatedEvent } from '~/services/types'
import classes from './EventQuality.module.css'
import { additionalWords, findingsWords, partWords, scoreWords } from './words'

/** Events with what the vendor makes of them; one at a time shows its details. */
export function EventTable({ events }: { events: RatedEvent[] }) {
  const [opened, setOpened] = useState<string>()
  const columns: Column<RatedEvent>[] = [
    { id: 'event', header: 'Event', cell: ({ event }) => <strong>{event}</strong> },
    { id: 'score', header: 'Match quality', width: 220, cell: ({ score }) => <Score score={score} /> },
    { id: 'additional', header: 'Additional conversions', align: 'right', width: 170, cell: ({ additional }) => additionalWords(additional) },
    { id: 'findings', header: 'Findings', align: 'right', width: 90, cell: ({ diagnostics }) => findingsWords(diagnostics.length) },
    {
      id: 'details',
      header: 'More',
      align: 'right',
      width: 120,
      cell: ({ event }) => (
        <Button
          variant="subtle"
          size="xs"
          rightSection={opened === event ? <IconChevronDown size={14} /> : <IconChevronRight size={14} />}
          aria-expanded={opened === event}
          aria-label={`Details of ${event}`}
          onClick={() => setOpened(opened === event ? undefined : event)}
        >
          Details
        </Button>
      ),
    },
  ]
  return (
    <DataTable
      caption="Quality by event"
      columns={columns}
      rows={events}
      rowKey={({ event }) => event}
      below={(event) => (opened === event.event ? <Details event={event} /> : null)}
    />
  )
}

/** A score as a number and as a length. */
function Score({ score }: { score: number | null }) {
  return (
    <span className={classes.score}>
      {score !== null && <Progress className={classes.meter} size="sm" value={score * 10} aria-hidden />}
      <span className={score === null ? 'muted' : 'num'}>{scoreWords(score)}</span>
    </span>
  )
}

function Details({ event: { event, keys, diagnostics } }: { event: RatedEvent }) {
  return (
    <section className={classes.details} aria-label={`Details of ${event}`}>
      <div>
        <h3>Match keys</h3>
        {keys.length === 0 && <p className="muted">None are told.</p>}
        <dl>
          {keys.map(({ key, percent }) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd className={percent === null ? 'muted' : 'num'}>{partWords(percent)}</dd>
            </div>
          ))}
        </dl>
      </div>
      <div>
        <h3>Findings</h3>
        {diagnostics.length === 0 && <p className="muted">None.</p>}
        <ul>
          {diagnostics.map(({ name, description, solution, percent }) => (
            <li key={name}>
              <strong>{name}</strong>
              {percent !== null && <span className="muted"> {partWords(percent)} of the events</span>}
              {description !== undefined && <p>{description}</p>}
              {solution !== undefined && <p>{solution}</p>}
            </li>
          ))}
        </ul>
      </div>
    </section>
  )
}
