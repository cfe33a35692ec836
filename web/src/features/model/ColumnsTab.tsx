import { Button, Select, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { IconColumns } from '@tabler/icons-react'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { saidDone } from '~/components/feedback/toast'
import { TypeIcon } from '~/components/grid/TypeIcon'
import { typeWords } from '~/components/grid/types'
import { Card } from '~/components/page/Card'
import { DataTable, type Column } from '~/components/table/DataTable'
import { draftOf, updateDocument } from '~/services/documents'
import type { ColumnType, Model, ModelColumn } from '~/services/types'

const typeOptions = Object.entries(typeWords).map(([value, label]) => ({ value, label }))

type Change = (name: string, patch: Partial<ModelColumn>) => void

const columnsFor = (change: Change, primaryKey: string): Column<ModelColumn>[] => [
  {
    id: 'name',
    header: 'Column',
    cell: (column) => (
      <span className="row">
        <TypeIcon type={column.cast ?? column.type} />
        <code>{column.name}</code>
        {column.name === primaryKey && <small className="muted">primary key</small>}
      </span>
    ),
  },
  { id: 'native', header: 'Type in the source', secondary: true, cell: (column) => <code className="muted">{column.native ?? column.type}</code> },
  {
    id: 'cast',
    header: 'Type in syncs',
    width: 190,
    cell: (column) => (
      <Select
        size="xs"
        aria-label={`Type of ${column.name}`}
        data={typeOptions}
        value={column.cast ?? column.type}
        allowDeselect={false}
        onChange={(next) => change(column.name, { cast: next === column.type ? undefined : (next as ColumnType) })}
      />
    ),
  },
  {
    id: 'description',
    header: 'Description',
    width: '38%',
    cell: (column) => (
      <TextInput
        size="xs"
        aria-label={`Description of ${column.name}`}
        placeholder={column.description ?? 'Add a description'}
        value={column.override ?? ''}
        onChange={(event) => change(column.name, { override: event.currentTarget.value || undefined })}
      />
    ),
  },
]

/** The columns of a model: types that syncs see (M-25) and descriptions (M-14). */
export function ColumnsTab({ model }: { model: Model }) {
  const client = useQueryClient()
  const before = model.spec.columns ?? []
  const [columns, setColumns] = useState(before)
  const dirty = JSON.stringify(columns) !== JSON.stringify(before)
  const save = useMutation({
    mutationFn: () => updateDocument('models', model.metadata.slug, draftOf<'models'>(model, { ...model.spec, columns })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['models'] })
      saidDone('The columns are saved.')
    },
  })
  useUnsavedGuard(dirty && !save.isPending && !save.isSuccess)
  const change: Change = (name, patch) => setColumns(columns.map((c) => (c.name === name ? { ...c, ...patch } : c)))
  if (columns.length === 0) {
    return (
      <Card flush>
        <EmptyState icon={IconColumns} title="The columns are not known yet">
          Edit the model and preview its rows; its columns are then remembered.
        </EmptyState>
      </Card>
    )
  }
  return (
    <div className="stack">
      <Card
        flush
        title="Columns"
        actions={
          <>
            <Button variant="default" size="xs" disabled={!dirty} onClick={() => setColumns(before)}>
              Discard
            </Button>
            <Button size="xs" disabled={!dirty} loading={save.isPending} onClick={() => save.mutate()}>
              Save
            </Button>
          </>
        }
      >
        <DataTable caption="Columns" columns={columnsFor(change, model.spec.primaryKey)} rows={columns} rowKey={(c) => c.name} />
      </Card>
      {save.isError && <ErrorCard error={save.error} title="The columns were not saved" />}
    </div>
  )
}
