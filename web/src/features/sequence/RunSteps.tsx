import { Progress } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { count, duration } from '~/components/format/format'
import { Card } from '~/components/page/Card'
import { StepBadge } from '~/components/status/StatusBadge'
import { DataTable, type Column } from '~/components/table/DataTable'
import { NameCell } from '~/components/table/NameCell'
import { tookWords } from '~/features/run/counts'
import { runQuery } from '~/services/runs'
import type { Run, SequenceRun, SequenceRunStep } from '~/services/types'
import classes from './Sequence.module.css'
import { terminateText } from './steps'

type Row = SequenceRunStep & { at: number }

const columns: Column<Row>[] = [
  { id: 'at', header: 'Step', width: 56, cell: ({ at }) => <span className={classes.number}>{at}</span> },
  { id: 'status', header: 'Final state', width: 180, cell: (step) => <StepBadge step={step} /> },
  {
    id: 'sync',
    header: 'Sync',
    fill: true,
    cell: ({ sync, error }) => (
      <NameCell
        link={
          <Link to="/syncs/$slug" params={{ slug: sync.slug }} title={sync.name}>
            {sync.name}
          </Link>
        }
        note={error === '' ? undefined : <span title={error}>{error}</span>}
      />
    ),
  },
  {
    id: 'run',
    header: 'Run',
    width: 100,
    cell: ({ runId, sync }) =>
      runId === null ? (
        <span className="muted">–</span>
      ) : (
        <Link to="/syncs/$slug/runs/$runId" params={{ slug: sync.slug, runId: String(runId) }}>
          Run {runId}
        </Link>
      ),
  },
  { id: 'time', header: 'Execution time', width: 130, align: 'right', cell: (step) => <Took step={step} /> },
  { id: 'rejected', header: 'Rejected rows', width: 120, align: 'right', secondary: true, cell: ({ rejected, runId }) => (runId === null ? '–' : count(rejected)) },
  {
    id: 'terminate',
    header: 'Terminate',
    tertiary: true,
    cell: ({ sync, terminate, limit }) => <span className="muted">{terminateText({ sync: sync.slug, terminate, rejected: limit })}</span>,
  },
]

/** How long a step took, or how far it is. */
function Took({ step }: { step: Row }) {
  if (step.startedAt === null) return <span className="muted">–</span>
  if (step.run === null) return <span className="num">{duration(step.durationMs)}</span>
  return <Under run={step.run} at={step.at} />
}

/** How far the run of a step is; the server's events keep it up to date. */
function Under({ run: before, at }: { run: Run; at: number }) {
  const { data: run } = useQuery({ ...runQuery(before.id), initialData: before })
  return (
    <div className={classes.progress}>
      <span className="num">
        {run.label}, {tookWords(run)}
      </span>
      <Progress value={run.progress * 100} size="sm" aria-label={`Progress of step ${at}`} />
    </div>
  )
}

/** What became of each sync of a run: its execution time, its final state, the way to its run (SY-88). */
export function RunSteps({ run }: { run: SequenceRun }) {
  const rows = run.steps.map((step, i) => ({ ...step, at: i + 1 }))
  return (
    <Card title="Steps" flush>
      {rows.length === 0 ? (
        <p className="muted card-body">The steps are fixed when the run begins.</p>
      ) : (
        <DataTable caption="Steps" columns={columns} rows={rows} rowKey={(step) => step.at} />
      )}
    </Card>
  )
}
