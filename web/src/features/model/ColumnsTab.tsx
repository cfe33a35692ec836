import { Button, Select, TextInput, Tooltip } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { IconColumns, IconRefresh, IconSearchOff } from '@tabler/icons-react'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { saidDone } from '~/components/feedback/toast'
import { TypeIcon } from '~/components/grid/TypeIcon'
import { typeWords } from '~/components/grid/types'
import { Card } from '~/components/page/Card'
import { DataTable, type Column } from '~/components/table/DataTable'
import { ListToolbar, SearchField } from '~/components/table/ListToolbar'
import { draftOf, updateDocument } from '~/services/documents'
import { refreshModel, usesQuery } from '~/services/models'
import type { ColumnType, ColumnUse, Model, ModelColumn } from '~/services/types'
import { ColumnUsers } from './ColumnUsers'
import { DriftNotice, MissingColumns } from './DriftNotice'
import { missingColumns } from './uses'

const typeOptions = Object.entries(typeWords).map(([value, label]) => ({ value, label }))

type Change = (name: string, patch: Partial<ModelColumn>) => void

const columnsFor = (change: Change, primaryKey: string, uses: ColumnUse[]): Column<ModelColumn>[] => [
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
    width: 170,
    cell: (column) => (
      <Select
        size="xs"
        miw={140}
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
    width: '28%',
    cell: (column) => (
      <TextInput
        size="xs"
        miw={180}
        aria-label={`Description of ${column.name}`}
        placeholder={column.description ?? 'Add a description'}
        title={column.description === undefined ? undefined : `In the source: ${column.description}`}
        value={column.override ?? ''}
        onChange={(event) => change(column.name, { override: event.currentTarget.value || undefined })}
      />
    ),
  },
  { id: 'uses', header: 'Used by', secondary: true, width: '20%', cell: (column) => <ColumnUsers uses={uses} column={column.name} /> },
]

const matching = (columns: ModelColumn[], search: string): ModelColumn[] => {
  const wanted = search.trim().toLowerCase()
  if (wanted === '') return columns
  return columns.filter(({ name, description, override }) => `${name} ${override ?? description ?? ''}`.toLowerCase().includes(wanted))
}

/** The columns of a model: types that syncs see (M-25), descriptions (M-14), and what changed in the source (M-15). */
export function ColumnsTab({ model }: { model: Model }) {
  const client = useQueryClient()
  const before = model.spec.columns ?? []
  const [columns, setColumns] = useState(before)
  const [search, setSearch] = useState('')
  const uses = useQuery(usesQuery(model.metadata.slug)).data ?? []
  const dirty = JSON.stringify(columns) !== JSON.stringify(before)
  const reload = () => client.invalidateQueries({ queryKey: ['models'] })
  const save = useMutation({
    mutationFn: () => updateDocument('models', model.metadata.slug, draftOf<'models'>(model, { ...model.spec, columns })),
    onSuccess: async () => {
      await reload()
      saidDone('The columns are saved.')
    },
  })
  const refresh = useMutation({
    mutationFn: (adopt: boolean) => refreshModel(model.metadata.slug, adopt),
    onSuccess: async (next) => {
      await reload()
      saidDone(next.status.drift === null ? 'The columns are as in the source.' : 'The columns in the source have changed.')
    },
  })
  useUnsavedGuard(dirty && !save.isPending && !save.isSuccess)
  const change: Change = (name, patch) => setColumns(columns.map((c) => (c.name === name ? { ...c, ...patch } : c)))
  const refreshButton = (
    <Tooltip label="Save or discard your changes first." disabled={!dirty}>
      <Button
        variant="default"
        size="xs"
        leftSection={<IconRefresh size={14} />}
        disabled={dirty}
        loading={refresh.isPending}
        onClick={() => refresh.mutate(false)}
      >
        Refresh columns available in source
      </Button>
    </Tooltip>
  )
  const failures = (
    <>
      {save.isError && <ErrorCard error={save.error} title="The columns were not saved" />}
      {refresh.isError && <ErrorCard error={refresh.error} title="The columns could not be read" />}
    </>
  )
  if (before.length === 0) {
    return (
      <div className="stack">
        <Card flush>
          <EmptyState icon={IconColumns} title="The columns are not known yet" action={refreshButton}>
            Read them from the source, to choose their types and describe them.
          </EmptyState>
        </Card>
        {failures}
      </div>
    )
  }
  const shown = matching(columns, search)
  return (
    <div className="stack">
      {model.status.drift !== null && (
        <DriftNotice drift={model.status.drift} uses={uses} adopting={refresh.isPending && refresh.variables === true} onAdopt={() => refresh.mutate(true)} />
      )}
      <MissingColumns title="Columns that the model does not have are used" columns={missingColumns(uses, before.map((c) => c.name))} uses={uses} />
      <Card
        flush
        title="Columns"
        actions={
          <>
            {refreshButton}
            <Button variant="default" size="xs" disabled={!dirty} onClick={() => setColumns(before)}>
              Discard
            </Button>
            <Button size="xs" disabled={!dirty} loading={save.isPending} onClick={() => save.mutate()}>
              Save
            </Button>
          </>
        }
      >
        <ListToolbar>
          <SearchField label="Search columns" value={search} onChange={setSearch} />
        </ListToolbar>
        {shown.length === 0 ? (
          <EmptyState icon={IconSearchOff} title="No column matches" />
        ) : (
          <DataTable caption="Columns" columns={columnsFor(change, model.spec.primaryKey, uses)} rows={shown} rowKey={(c) => c.name} />
        )}
      </Card>
      {failures}
    </div>
  )
}
