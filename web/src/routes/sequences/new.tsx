import { Button, TextInput } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import { Card } from '~/components/page/Card'
import { LinkButton } from '~/components/page/LinkButton'
import { Page } from '~/components/page/Page'
import { scheduleProblem } from '~/components/schedule/schedule'
import { ScheduleEditor } from '~/components/schedule/ScheduleEditor'
import { freshSequence, stepsProblem } from '~/features/sequence/steps'
import { StepsEditor } from '~/features/sequence/StepsEditor'
import { allQuery, createDocument } from '~/services/documents'
import { triggerSequence } from '~/services/sequences'
import type { Sync } from '~/services/types'

const route = getRouteApi('/app/sequences/new')

/** Which syncs run in which order, what ends the sequence early, and when it runs. */
export default function NewSequencePage() {
  const syncs = useQuery(allQuery('syncs'))
  return (
    <Page title="Add sequence" crumbs={[{ label: 'Sequences', to: '/sequences' }]} width="narrow">
      {syncs.isPending && <LoadingRows />}
      {syncs.isError && <ErrorCard error={syncs.error} onRetry={() => void syncs.refetch()} />}
      {syncs.data?.items.length === 0 && (
        <EmptyState icon={IconRefresh} title="Create a sync first" action={<LinkButton to="/syncs/new">Add sync</LinkButton>}>
          A sequence runs syncs in an order.
        </EmptyState>
      )}
      {syncs.data !== undefined && syncs.data.items.length > 0 && <Build syncs={syncs.data.items} />}
    </Page>
  )
}

function Build({ syncs }: { syncs: Sync[] }) {
  const client = useQueryClient()
  const navigate = route.useNavigate()
  const [name, setName] = useState('')
  const [spec, setSpec] = useState(freshSequence)
  const save = useMutation({
    mutationFn: (_run: boolean) => createDocument('sequences', { metadata: { name: name.trim() }, spec }),
    onSuccess: async (sequence, run) => {
      await client.invalidateQueries({ queryKey: ['sequences'] })
      saidDone(`${sequence.metadata.name} is saved.`)
      await open(sequence.metadata.slug, run)
    },
  })
  const open = async (slug: string, run: boolean) => {
    if (run) {
      try {
        const { id } = await triggerSequence(slug)
        await navigate({ to: '/sequences/$slug/runs/$runId', params: { slug, runId: String(id) } })
        return
      } catch (error) {
        saidFailed('The sequence is saved, but it did not start', error)
      }
    }
    await navigate({ to: '/sequences/$slug', params: { slug } })
  }
  useUnsavedGuard((name !== '' || spec.steps.length > 0) && !save.isPending && !save.isSuccess)
  const problem = (name.trim() === '' ? 'Give the sequence a name.' : undefined) ?? stepsProblem(spec.steps) ?? scheduleProblem(spec.schedule)
  return (
    <div className="stack">
      <Card title="Name">
        <TextInput aria-label="Name" maw={480} value={name} onChange={(event) => setName(event.currentTarget.value)} />
      </Card>
      <Card title="Steps">
        <StepsEditor syncs={syncs} value={spec.steps} onChange={(steps) => setSpec({ ...spec, steps })} />
      </Card>
      <Card title="Schedule">
        <ScheduleEditor value={spec.schedule} onChange={(schedule) => setSpec({ ...spec, schedule })} />
      </Card>
      {save.isError && <ErrorCard error={save.error} title="The sequence was not saved" />}
      <div className="row wrap">
        <Button disabled={problem !== undefined} loading={save.isPending && save.variables} onClick={() => save.mutate(true)}>
          Save and run
        </Button>
        <Button variant="default" disabled={problem !== undefined} loading={save.isPending && !save.variables} onClick={() => save.mutate(false)}>
          Save
        </Button>
        {problem !== undefined && <span className="muted small">{problem}</span>}
      </div>
    </div>
  )
}
