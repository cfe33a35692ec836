import { Button, Switch } from '@mantine/core'
import { IconPlayerPlay } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { count, duration } from '~/components/format/format'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { RunBadge } from '~/components/status/StatusBadge'
import { DataTable, type Column } from '~/components/table/DataTable'
import { rejectedCount, sum, triggerWords } from '~/features/run/counts'
import { pollInterval, useLive } from '~/services/events'
import { isActive } from '~/services/runs'
import { runsQuery } from '~/services/syncs'
import type { Run } from '~/services/types'
import classes from './Sync.module.css'

const columns: Column<Run>[] = [
  { id: 'status', header: 'Status', width: 190, cell: (run) => <RunBadge run={run} /> },
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
  { id: 'duration', header: 'Duration', align: 'right', width: 100, secondary: true, cell: (run) => (run.durationMs === null ? '–' : duration(run.durationMs)) },
  { id: 'read', header: 'Rows queried', align: 'right', width: 110, cell: (run) => count(run.rowsRead) },
  { id: 'operations', header: 'Operations', align: 'right', width: 150, cell: (run) => <Operations run={run} /> },
  { id: 'results', header: 'Results', align: 'right', width: 150, cell: (run) => <Results run={run} /> },
]

function Operations({ run: { planned } }: { run: Run }) {
  const title = `${count(planned.added)} added, ${count(planned.changed)} changed, ${count(planned.removed)} removed`
  return (
    <span title={title}>
      <span className="visually-hidden">{title}</span>
      <span aria-hidden="true">{count(sum(planned))}</span>
    </span>
  )
}

function Results({ run }: { run: Run }) {
  const rejected = rejectedCount(run)
  return (
    <span className={classes.counts}>
      <span className={classes.good}>{count(sum(run.succeeded))} ok</span>
      <span className={rejected > 0 ? classes.bad : 'muted'}>{count(rejected)} rejected</span>
    </span>
  )
}

interface Props {
  slug: string
  hideEmpty: boolean
  onHideEmpty: (hide: boolean) => void
}

/** The runs of a sync, newest first (SY-08, SY-70). */
export function RunsTab({ slug, hideEmpty, onHideEmpty }: Props) {
  const live = useLive()
  const query = useInfiniteQuery({
    ...runsQuery(slug, hideEmpty),
    refetchInterval: (q) => pollInterval(q.state.data?.pages[0]?.items?.some(isActive) ?? false, live),
  })
  const rows = query.data?.pages.flatMap((page) => page.items ?? []) ?? []
  return (
    <Card
      flush
      title="Runs"
      actions={<Switch size="xs" label="Hide runs without operations" checked={hideEmpty} onChange={(e) => onHideEmpty(e.currentTarget.checked)} />}
    >
      {query.isPending && <LoadingRows />}
      {query.isError && (
        <div className="card-body">
          <ErrorCard error={query.error} onRetry={() => void query.refetch()} />
        </div>
      )}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState
          icon={IconPlayerPlay}
          title={hideEmpty ? 'No run had anything to do' : 'This sync has not run yet'}
          action={
            hideEmpty ? (
              <Button variant="default" onClick={() => onHideEmpty(false)}>
                Show all runs
              </Button>
            ) : undefined
          }
        >
          {hideEmpty ? undefined : 'Press Run to start it now. The first run sends every row as added.'}
        </EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable
          caption="Runs"
          columns={columns}
          rows={rows}
          rowKey={(run) => run.id}
          more={query.hasNextPage ? { load: () => void query.fetchNextPage(), loading: query.isFetchingNextPage } : undefined}
        />
      )}
    </Card>
  )
}
