import { Button } from '@mantine/core'
import { IconClockPlay, IconPlus } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useConfirm } from '~/components/confirm/confirm'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import { plural } from '~/components/format/format'
import { Card } from '~/components/page/Card'
import { DataTable, type Column } from '~/components/table/DataTable'
import { deleteOrchestrator, orchestratorsQuery } from '~/services/orchestrators'
import type { Orchestrator } from '~/services/types'
import { OrchestratorDialog } from './OrchestratorDialog'
import { standing } from './words'

/** The connections to dbt Cloud and Fivetran, whose jobs schedules wait for (DBT-06, ORC-01). */
export function OrchestratorList() {
  const query = useQuery(orchestratorsQuery)
  const [editing, setEditing] = useState<Orchestrator | 'new'>()
  const remove = useRemove()
  const all = query.data ?? []
  const columns: Column<Orchestrator>[] = [
    {
      id: 'name',
      header: 'Name',
      fill: true,
      cell: (one) => (
        <>
          <strong>{one.metadata.name}</strong>
          <div className="muted small">{standing(one)}</div>
        </>
      ),
    },
    { id: 'type', header: 'Type', width: 110, cell: ({ spec }) => (spec.type === 'fivetran' ? 'Fivetran' : 'dbt Cloud') },
    { id: 'used', header: 'Used by', width: 120, secondary: true, cell: ({ status }) => plural(status.useCount, 'schedule') },
    {
      id: 'actions',
      header: '',
      width: 170,
      cell: (one) => (
        <div className="row">
          <Button size="xs" variant="default" onClick={() => setEditing(one)}>
            Edit
          </Button>
          <Button size="xs" variant="default" onClick={() => void remove(one)}>
            Delete
          </Button>
        </div>
      ),
    },
  ]
  return (
    <Card
      title="Orchestrators"
      flush
      actions={
        <Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setEditing('new')}>
          Add orchestrator
        </Button>
      }
    >
      {query.isPending && <LoadingRows rows={3} />}
      {query.isError && (
        <div className="card-body">
          <ErrorCard error={query.error} title="The orchestrators could not be loaded" onRetry={() => void query.refetch()} />
        </div>
      )}
      {query.isSuccess && all.length === 0 && (
        <EmptyState icon={IconClockPlay} title="No orchestrator yet">
          With a connection to dbt Cloud or Fivetran, syncs run as soon as jobs there are done.
        </EmptyState>
      )}
      {all.length > 0 && <DataTable caption="Orchestrators" columns={columns} rows={all} rowKey={({ metadata }) => metadata.slug} />}
      {editing !== undefined && <OrchestratorDialog orchestrator={editing === 'new' ? undefined : editing} onClose={() => setEditing(undefined)} />}
    </Card>
  )
}

/** Deletes a connection, after saying what that means. */
function useRemove() {
  const client = useQueryClient()
  const confirm = useConfirm()
  const remove = useMutation({
    mutationFn: deleteOrchestrator,
    onSuccess: async (_, { metadata }) => {
      await client.invalidateQueries({ queryKey: ['orchestrators'] })
      saidDone(`${metadata.name} is deleted.`)
    },
    onError: (error, { metadata }) => saidFailed(`${metadata.name} was not deleted`, error),
  })
  return async (one: Orchestrator) => {
    const webhook = one.status.webhook === undefined ? '' : ` The webhook ${one.status.webhook} stays in Fivetran: delete it there.`
    const yes = await confirm({ title: `Delete ${one.metadata.name}?`, body: `One that schedules wait for stays.${webhook}`, confirm: 'Delete orchestrator', danger: true })
    if (yes) remove.mutate(one)
  }
}
