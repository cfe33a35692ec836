import { Button, Select } from '@mantine/core'
import { IconPlayerPlay } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { count } from '~/components/format/format'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { RunBadge } from '~/components/status/StatusBadge'
import { DataTable, type Column } from '~/components/table/DataTable'
import { rejectedOf, sum, tookWords, triggerWords } from '~/features/run/counts'
import { RunHistory } from '~/features/run/RunHistory'
import { ViewError } from '~/features/run/RunError'
import { pollInterval, useLive } from '~/services/events'
import { isActive } from '~/services/runs'
import { runsQuery, type WantedRuns } from '~/services/syncs'
import type { OperationCounts, Run, Sync } from '~/services/types'
import classes from './Sync.module.css'

const columnsOf = (model: string): Column<Run>[] => [
  {
    id: 'status',
    header: 'Status',
    width: 190,
    cell: (run) => (
      <span className={classes.status}>
        <RunBadge run={run} />
        {run.error !== null && <ViewError error={run.error} title={`Run ${run.id}: ${run.label}`} model={model} />}
      </span>
    ),
  },
  {
    id: 'started',
    header: 'Started',
    fill: true,
    cell: (run) => (
      <Link to="/syncs/$slug/runs/$runId" params={{ slug: run.syncSlug, runId: String(run.id) }}>
        <TimeAgo at={run.startedAt ?? run.createdAt} />
      </Link>
    ),
  },
  { id: 'trigger', header: 'Trigger', secondary: true, cell: (run) => triggerWords(run) },
  { id: 'duration', header: 'Duration', align: 'right', width: 100, secondary: true, cell: tookWords },
  { id: 'read', header: 'Rows queried', align: 'right', width: 110, cell: (run) => count(run.rowsRead) },
  { id: 'operations', header: 'Operations', align: 'right', width: 110, cell: ({ planned }) => <Operations counts={planned} /> },
  { id: 'successful', header: 'Successful', align: 'right', width: 110, cell: ({ succeeded }) => <Operations counts={succeeded} /> },
  { id: 'rejected', header: 'Rejected', align: 'right', width: 110, cell: (run) => <Operations counts={rejectedOf(run)} bad /> },
]

/** A number of rows; how many of each operation shows when it is pointed at. */
function Operations({ counts, bad = false }: { counts: OperationCounts; bad?: boolean }) {
  const total = sum(counts)
  const title = `${count(counts.added)} added, ${count(counts.changed)} changed, ${count(counts.removed)} removed`
  return (
    <span title={title} className={total === 0 ? 'muted' : bad ? classes.bad : undefined}>
      <span className="visually-hidden">{title}</span>
      <span aria-hidden="true">{count(total)}</span>
    </span>
  )
}

const filters: { value: WantedRuns; label: string }[] = [
  { value: 'all', label: 'All runs' },
  { value: 'nonempty', label: 'Runs with operations' },
  { value: 'succeeded', label: 'Runs with successful operations' },
]

const emptyTitles: Record<WantedRuns, string> = {
  all: 'This sync has not run yet',
  nonempty: 'No run had anything to do',
  succeeded: 'No run had a successful operation',
}

/** Which runs are shown (SY-70). */
const RunsFilter = ({ wanted, onWant }: Pick<Props, 'wanted' | 'onWant'>) => (
  <Select
    size="xs"
    w={248}
    aria-label="Runs shown"
    data={filters}
    value={wanted}
    allowDeselect={false}
    onChange={(next) => onWant(next ?? 'all')}
  />
)

interface Props {
  sync: Sync
  wanted: WantedRuns
  onWant: (wanted: WantedRuns) => void
}

/** The runs of a sync, newest first (SY-08, SY-70). */
export function RunsTab({ sync, wanted, onWant }: Props) {
  const live = useLive()
  const query = useInfiniteQuery({
    ...runsQuery(sync.metadata.slug, wanted),
    refetchInterval: (q) => pollInterval(q.state.data?.pages[0]?.items?.some(isActive) ?? false, live),
  })
  const rows = query.data?.pages.flatMap((page) => page.items ?? []) ?? []
  return (
    <div className="stack">
      {rows.length > 1 && <RunHistory newestFirst={rows} />}
      <Card flush title="Runs" actions={<RunsFilter wanted={wanted} onWant={onWant} />}>
        {query.isPending && <LoadingRows />}
        {query.isError && (
          <div className="card-body">
            <ErrorCard error={query.error} onRetry={() => void query.refetch()} />
          </div>
        )}
        {query.isSuccess && rows.length === 0 && (
          <EmptyState
            icon={IconPlayerPlay}
            title={emptyTitles[wanted]}
            action={
              wanted !== 'all' ? (
                <Button variant="default" onClick={() => onWant('all')}>
                  Show all runs
                </Button>
              ) : undefined
            }
          >
            {wanted !== 'all' ? undefined : 'Press Run to start it now. The first run sends every row as added.'}
          </EmptyState>
        )}
        {rows.length > 0 && (
          <DataTable
            caption="Runs"
            columns={columnsOf(sync.spec.model)}
            rows={rows}
            rowKey={(run) => run.id}
            more={query.hasNextPage ? { load: () => void query.fetchNextPage(), loading: query.isFetchingNextPage } : undefined}
          />
        )}
      </Card>
    </div>
  )
}
