import { Button } from '@mantine/core'
import { IconChartBar, IconPlus } from '@tabler/icons-react'
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
import { biToolsQuery, deleteBiTool } from '~/services/bi'
import type { BiTool } from '~/services/types'
import { BiToolDialog } from './BiToolDialog'

/** The connections to Looker and Sigma, whose saved questions models read (BI-01, BI-02). */
export function BiToolList() {
  const query = useQuery(biToolsQuery)
  const [editing, setEditing] = useState<BiTool | 'new'>()
  const remove = useRemove()
  const all = query.data ?? []
  const columns: Column<BiTool>[] = [
    {
      id: 'name',
      header: 'Name',
      fill: true,
      cell: (one) => (
        <>
          <strong>{one.metadata.name}</strong>
          <div className="muted small truncate">{one.spec.description}</div>
        </>
      ),
    },
    { id: 'type', header: 'Type', width: 110, cell: ({ spec }) => (spec.type === 'sigma' ? 'Sigma' : 'Looker') },
    { id: 'used', header: 'Used by', width: 120, secondary: true, cell: ({ status }) => plural(status.modelCount, 'model') },
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
      title="BI tools"
      flush
      actions={
        <Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setEditing('new')}>
          Add BI tool
        </Button>
      }
    >
      {query.isPending && <LoadingRows rows={3} />}
      {query.isError && (
        <div className="card-body">
          <ErrorCard error={query.error} title="The BI tools could not be loaded" onRetry={() => void query.refetch()} />
        </div>
      )}
      {query.isSuccess && all.length === 0 && (
        <EmptyState icon={IconChartBar} title="No BI tool yet">
          With a connection to Looker or Sigma, Looks and elements of workbooks become models.
        </EmptyState>
      )}
      {all.length > 0 && <DataTable caption="BI tools" columns={columns} rows={all} rowKey={({ metadata }) => metadata.slug} />}
      {editing !== undefined && <BiToolDialog tool={editing === 'new' ? undefined : editing} onClose={() => setEditing(undefined)} />}
    </Card>
  )
}

/** Deletes a connection, after saying what that means. */
function useRemove() {
  const client = useQueryClient()
  const confirm = useConfirm()
  const remove = useMutation({
    mutationFn: deleteBiTool,
    onSuccess: async (_, { metadata }) => {
      await client.invalidateQueries({ queryKey: ['bi-tools'] })
      saidDone(`${metadata.name} is deleted.`)
    },
    onError: (error, { metadata }) => saidFailed(`${metadata.name} was not deleted`, error),
  })
  return async (one: BiTool) => {
    const yes = await confirm({ title: `Delete ${one.metadata.name}?`, body: 'Its stored secret is erased. One that models read from stays.', confirm: 'Delete BI tool', danger: true })
    if (yes) remove.mutate(one)
  }
}
