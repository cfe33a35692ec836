import { Link } from '@tanstack/react-router'
import { count } from '~/components/format/format'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { RunBadge } from '~/components/status/StatusBadge'
import { DataTable, type Column } from '~/components/table/DataTable'
import { NameCell } from '~/components/table/NameCell'
import { rejectedCount, sum, tookWords } from '~/features/run/counts'
import type { Sync } from '~/services/types'
import { recentRuns, type RecentRun } from './health'
import classes from './Home.module.css'

const Count = ({ value, bad = false }: { value: number; bad?: boolean }) => (
  <span className={value === 0 ? 'muted' : bad ? classes.bad : undefined}>{count(value)}</span>
)

const columns: Column<RecentRun>[] = [
  { id: 'status', header: 'Status', width: 190, cell: ({ run }) => <RunBadge run={run} /> },
  {
    id: 'sync',
    header: 'Sync',
    fill: true,
    cell: ({ run, sync }) => (
      <NameCell
        link={
          <Link to="/syncs/$slug/runs/$runId" params={{ slug: run.syncSlug, runId: String(run.id) }}>
            {sync.metadata.name}
          </Link>
        }
      />
    ),
  },
  { id: 'sent', header: 'Sent', align: 'right', width: 110, cell: ({ run }) => <Count value={sum(run.succeeded)} /> },
  { id: 'rejected', header: 'Rejected', align: 'right', width: 110, cell: ({ run }) => <Count value={rejectedCount(run)} bad /> },
  { id: 'duration', header: 'Duration', align: 'right', width: 110, secondary: true, cell: ({ run }) => tookWords(run) },
  { id: 'started', header: 'Started', width: 150, cell: ({ run }) => <TimeAgo at={run.startedAt ?? run.createdAt} /> },
]

/** The newest run of each sync. */
export function RecentRuns({ syncs }: { syncs: Sync[] }) {
  const rows = recentRuns(syncs, 12)
  if (rows.length === 0) return null
  return (
    <Card title="Recent runs" flush>
      <DataTable caption="Recent runs" columns={columns} rows={rows} rowKey={({ run }) => run.id} />
    </Card>
  )
}
