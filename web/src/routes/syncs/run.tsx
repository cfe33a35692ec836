import { Button } from '@mantine/core'
import { IconPlayerStop, IconRefresh } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useConfirm } from '~/components/confirm/confirm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingPage } from '~/components/feedback/Loading'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Page } from '~/components/page/Page'
import { RunBadge } from '~/components/status/StatusBadge'
import { FlowLine } from '~/features/sync/FlowLine'
import { plural } from '~/components/format/format'
import { engineWords, rejectedCount, tookWords, triggerWords } from '~/features/run/counts'
import { RowDrawer } from '~/features/run/RowDrawer'
import { RunError } from '~/features/run/RunError'
import { RunProgress } from '~/features/run/RunProgress'
import { RunRows } from '~/features/run/RunRows'
import { documentQuery } from '~/services/documents'
import { pollInterval, useLive } from '~/services/events'
import { ApiError } from '~/services/http'
import { cancelRun, isActive, runQuery } from '~/services/runs'
import { triggerSync } from '~/services/syncs'
import type { Run } from '~/services/types'
import { NotFoundPage } from '../not-found'

const route = getRouteApi('/app/syncs/$slug/runs/$runId')

export default function RunPage() {
  const { runId } = route.useParams()
  const live = useLive()
  const query = useQuery({
    ...runQuery(Number(runId)),
    enabled: /^\d+$/.test(runId),
    refetchInterval: (q) => pollInterval(q.state.data !== undefined && isActive(q.state.data), live),
  })
  if (query.data !== undefined) return <RunDetail run={query.data} />
  if (!/^\d+$/.test(runId) || (query.error instanceof ApiError && query.error.status === 404)) return <NotFoundPage />
  return (
    <Page title={`Run ${runId}`} crumbs={[{ label: 'Syncs', to: '/syncs' }]}>
      {query.isError ? <ErrorCard error={query.error} onRetry={() => void query.refetch()} /> : <LoadingPage />}
    </Page>
  )
}

/** One run: its progress while it goes on, what came of every row (SY-08, SY-71). */
function RunDetail({ run }: { run: Run }) {
  const { slug } = route.useParams()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const sync = useQuery(documentQuery('syncs', slug))
  return (
    <Page
      title={`Run ${run.id}`}
      aside={<RunBadge run={run} />}
      crumbs={[
        { label: 'Syncs', to: '/syncs' },
        { label: sync.data?.metadata.name ?? slug, to: `/syncs/${slug}` as '/syncs/$slug' },
      ]}
      meta={
        <>
          {sync.data !== undefined && <FlowLine sync={sync.data} />}
          <span>
            Started <TimeAgo at={run.startedAt ?? run.createdAt} />
          </span>
          {run.finishedAt !== null && <span className="num">Took {tookWords(run)}</span>}
          <span>Trigger: {triggerWords(run)}</span>
          {engineWords(run) !== undefined && <span>{engineWords(run)}</span>}
        </>
      }
      actions={isActive(run) ? <CancelButton run={run} /> : <RetryButton run={run} newest={sync.data?.status?.lastRun?.id} />}
    >
      {run.error !== null && <RunError error={run.error} title={run.label} model={sync.data?.spec.model} />}
      <RunProgress run={run} />
      <RunRows run={run} search={search} onSearch={(next) => void navigate({ search: next, replace: true })} />
      <RowDrawer
        run={run}
        ordinal={search.row}
        onOpen={(row) => void navigate({ search: { ...search, row }, replace: true })}
        onClose={() => void navigate({ search: { ...search, row: undefined }, replace: true })}
      />
    </Page>
  )
}

function CancelButton({ run }: { run: Run }) {
  const confirm = useConfirm()
  const client = useQueryClient()
  const cancel = useMutation({
    mutationFn: () => cancelRun(run.id),
    onSuccess: (next) => {
      client.setQueryData(['runs', 'one', run.id], next)
      saidDone('The run stops after the batches that are on their way.')
    },
    onError: (error) => saidFailed('The run was not cancelled', error),
  })
  const ask = async () => {
    const yes = await confirm({
      title: 'Cancel this run?',
      body: 'Rows that were sent stay in the destination and count as synced. The rest is sent by the next run.',
      confirm: 'Cancel run',
      cancel: 'Keep running',
      danger: true,
    })
    if (yes) cancel.mutate()
  }
  return (
    <Button variant="default" leftSection={<IconPlayerStop size={16} />} loading={cancel.isPending} onClick={() => void ask()}>
      Cancel run
    </Button>
  )
}

/** Sends the rejected rows of the newest run again, by a run of the sync (FLD-08, SY-77). */
function RetryButton({ run, newest }: { run: Run; newest: number | undefined }) {
  const confirm = useConfirm()
  const client = useQueryClient()
  const navigate = route.useNavigate()
  const retry = useMutation({
    mutationFn: () => triggerSync(run.syncSlug),
    onSuccess: async (next) => {
      client.setQueryData(['runs', 'one', next.id], next)
      await client.invalidateQueries({ queryKey: ['syncs'] })
      await navigate({ to: '/syncs/$slug/runs/$runId', params: { slug: run.syncSlug, runId: String(next.id) }, search: {} })
    },
    onError: (error) => saidFailed('The rows are not sent again', error),
  })
  const rejected = rejectedCount(run)
  if (rejected === 0 || run.id !== newest) return null
  const ask = async () => {
    const yes = await confirm({
      title: 'Send the rejected rows again?',
      body: `The sync runs now. ${plural(rejected, 'rejected row')} of this run ${rejected === 1 ? 'is' : 'are'} sent again, with the values that the model has by then, and what has changed since is sent too. Rows that have left the model are not.`,
      confirm: 'Run now',
    })
    if (yes) retry.mutate()
  }
  return (
    <Button variant="default" leftSection={<IconRefresh size={16} />} loading={retry.isPending} onClick={() => void ask()}>
      Retry rejected rows
    </Button>
  )
}
