import { Button } from '@mantine/core'
import { IconPlayerStop } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useConfirm } from '~/components/confirm/confirm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingPage } from '~/components/feedback/Loading'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import { duration } from '~/components/format/format'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Page } from '~/components/page/Page'
import { SequenceRunBadge } from '~/components/status/StatusBadge'
import { RunSteps } from '~/features/sequence/RunSteps'
import { sequenceTriggers } from '~/features/sequence/words'
import { documentQuery } from '~/services/documents'
import { pollInterval, useLive } from '~/services/events'
import { ApiError } from '~/services/http'
import { cancelSequenceRun, isOver, sequenceRunQuery } from '~/services/sequences'
import type { SequenceRun } from '~/services/types'
import { NotFoundPage } from '../not-found'

const route = getRouteApi('/app/sequences/$slug/runs/$runId')

export default function SequenceRunPage() {
  const { runId } = route.useParams()
  const live = useLive()
  const query = useQuery({
    ...sequenceRunQuery(Number(runId)),
    enabled: /^\d+$/.test(runId),
    refetchInterval: (q) => pollInterval(q.state.data !== undefined && !isOver(q.state.data), live),
  })
  if (query.data !== undefined) return <RunDetail run={query.data} />
  if (!/^\d+$/.test(runId) || (query.error instanceof ApiError && query.error.status === 404)) return <NotFoundPage />
  return (
    <Page title={`Run ${runId}`} crumbs={[{ label: 'Sequences', to: '/sequences' }]}>
      {query.isError ? <ErrorCard error={query.error} onRetry={() => void query.refetch()} /> : <LoadingPage />}
    </Page>
  )
}

/** One run of a sequence: what became of each of its syncs (SY-88). */
function RunDetail({ run }: { run: SequenceRun }) {
  const { slug } = route.useParams()
  const sequence = useQuery(documentQuery('sequences', slug))
  return (
    <Page
      title={`Run ${run.id}`}
      aside={<SequenceRunBadge run={run} />}
      crumbs={[
        { label: 'Sequences', to: '/sequences' },
        { label: sequence.data?.metadata.name ?? slug, to: `/sequences/${slug}` as '/sequences/$slug' },
      ]}
      meta={
        <>
          <span>
            Started <TimeAgo at={run.startedAt ?? run.createdAt} />
          </span>
          {run.startedAt !== null && (
            <span className="num">
              {isOver(run) ? 'Took' : 'Running for'} {duration(run.durationMs)}
            </span>
          )}
          <span>Trigger: {sequenceTriggers[run.trigger]}</span>
        </>
      }
      actions={isOver(run) ? undefined : <CancelButton run={run} />}
    >
      {run.error !== null && <ErrorCard error={new ApiError(422, run.error)} title="The sequence ended early" />}
      {run.state === 'pending' && <p className="muted">This run begins when the sequence’s run that is under way has ended.</p>}
      <RunSteps run={run} />
    </Page>
  )
}

function CancelButton({ run }: { run: SequenceRun }) {
  const confirm = useConfirm()
  const client = useQueryClient()
  const cancel = useMutation({
    mutationFn: () => cancelSequenceRun(run.id),
    onSuccess: (next) => {
      client.setQueryData(['sequence-runs', 'one', run.id], next)
      saidDone(isOver(next) ? 'The run is cancelled.' : 'The run ends when its sync has settled what it sent.')
    },
    onError: (error) => saidFailed('The run was not cancelled', error),
  })
  const ask = async () => {
    const yes = await confirm({
      title: 'Cancel this run?',
      body: 'The sync that is under way is cancelled: rows that were sent stay in the destination and count as synced. The steps after it do not run.',
      confirm: 'Cancel run',
      cancel: 'Keep running',
      danger: true,
    })
    if (yes) cancel.mutate()
  }
  return (
    <Button
      variant="default"
      leftSection={<IconPlayerStop size={16} />}
      loading={cancel.isPending}
      disabled={run.cancelRequested}
      onClick={() => void ask()}
    >
      {run.cancelRequested ? 'Cancelling' : 'Cancel run'}
    </Button>
  )
}
