import { IconPlayerPlay } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { duration } from '~/components/format/format'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { SequenceRunBadge } from '~/components/status/StatusBadge'
import { DataTable, type Column } from '~/components/table/DataTable'
import { pollInterval, useLive } from '~/services/events'
import { isOver, sequenceRunsQuery } from '~/services/sequences'
import type { SequenceRun } from '~/services/types'
import { sequenceTriggers } from './words'

const columns: Column<SequenceRun>[] = [
  { id: 'status', header: 'Status', width: 190, cell: (run) => <SequenceRunBadge run={run} /> },
  {
    id: 'started',
    header: 'Started',
    fill: true,
    cell: (run) => (
      <Link to="/sequences/$slug/runs/$runId" params={{ slug: run.sequenceSlug, runId: String(run.id) }}>
        <TimeAgo at={run.startedAt ?? run.createdAt} />
      </Link>
    ),
  },
  { id: 'trigger', header: 'Trigger', width: 110, secondary: true, cell: ({ trigger }) => sequenceTriggers[trigger] },
  { id: 'steps', header: 'Steps done', width: 110, align: 'right', cell: (run) => <Done run={run} /> },
  { id: 'duration', header: 'Duration', width: 120, align: 'right', cell: ({ startedAt, durationMs }) => (startedAt === null ? '–' : duration(durationMs)) },
]

function Done({ run: { steps } }: { run: SequenceRun }) {
  if (steps.length === 0) return <span className="muted">–</span>
  const done = steps.filter(({ state }) => state !== 'waiting' && state !== 'running' && state !== 'skipped').length
  return (
    <span className="num">
      {done} of {steps.length}
    </span>
  )
}

/** The runs of a sequence, newest first (SY-88). */
export function RunsTab({ slug }: { slug: string }) {
  const live = useLive()
  const query = useInfiniteQuery({
    ...sequenceRunsQuery(slug),
    refetchInterval: (q) => pollInterval(q.state.data?.pages[0]?.items.some((run) => !isOver(run)) ?? false, live),
  })
  const rows = query.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <Card flush title="Runs">
      {query.isPending && <LoadingRows />}
      {query.isError && (
        <div className="card-body">
          <ErrorCard error={query.error} onRetry={() => void query.refetch()} />
        </div>
      )}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState icon={IconPlayerPlay} title="This sequence has not run yet">
          Press Run to start it now. It runs its syncs one after another.
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
