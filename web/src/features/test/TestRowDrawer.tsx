import { Drawer } from '@mantine/core'
import { IconListSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { cellText } from '~/components/grid/types'
import { DataTable, type Column } from '~/components/table/DataTable'
import { SearchField } from '~/components/table/ListToolbar'
import tableClasses from '~/components/table/Table.module.css'
import { unlessEnlarged } from '~/features/run/enlarged'
import runClasses from '~/features/run/Run.module.css'
import { ApiError } from '~/services/http'
import { testRowsQuery } from '~/services/testrow'
import type { Sync, TestableRow, TestRows } from '~/services/types'
import { SendRow } from './SendRow'

interface Props {
  sync: Sync
  opened: boolean
  /** The primary key of a row that is chosen already. */
  rowKey?: string
  onClose: () => void
}

/** Sends one row of the model to the destination and shows what comes of it (SY-11). */
export function TestRowDrawer({ sync, opened, rowKey, onClose }: Props) {
  return (
    <Drawer opened={opened} onClose={unlessEnlarged(onClose)} position="right" size="min(820px, 100vw)" title={<strong>Test a row</strong>}>
      {opened && <Content sync={sync} first={rowKey ?? ''} />}
    </Drawer>
  )
}

function Content({ sync, first }: { sync: Sync; first: string }) {
  const [key, setKey] = useState(first)
  const [chosen, setChosen] = useState<TestableRow | undefined>()
  const query = useQuery(testRowsQuery(sync.metadata.slug, key))
  const only = first !== '' && key === first && query.data?.rows.length === 1 ? query.data.rows[0] : undefined
  const row = chosen ?? only
  if (row !== undefined && query.data !== undefined) {
    const back = () => {
      setChosen(undefined)
      if (key === first) setKey('')
    }
    return <SendRow sync={sync} row={row} {...query.data} onBack={back} />
  }
  return (
    <div className="stack">
      <p className="muted">
        Choose a row of {sync.status?.model.name ?? 'the model'}. In the next step you may change its values before it is sent.
      </p>
      <div className="card">
        <div className={`${tableClasses.toolbar} quiet`}>
          <SearchField label="Search by primary key" value={key} onChange={setKey} />
          {query.isSuccess && key === '' && <span className="muted small">The first rows of the model</span>}
        </div>
        {query.isPending && <LoadingRows />}
        {query.isError && <Refused error={query.error} searched={key} onRetry={() => void query.refetch()} />}
        {query.isSuccess && <Choice rows={query.data} onChoose={setChosen} />}
      </div>
    </div>
  )
}

function Refused({ error, searched, onRetry }: { error: Error; searched: string; onRetry: () => void }) {
  if (searched !== '' && error instanceof ApiError && error.status === 404 && error.path === 'key') {
    return (
      <EmptyState icon={IconListSearch} title={`No row has the key ${searched}`}>
        The search takes the whole primary key, letter for letter.
      </EmptyState>
    )
  }
  const possible = !(error instanceof ApiError && error.code === 'run.untestable')
  return (
    <div className="card-body">
      <ErrorCard error={error} title={possible ? 'The rows could not be read' : 'No row of this sync can be tested'} onRetry={possible ? onRetry : undefined} />
    </div>
  )
}

function columnsFor({ columns }: TestRows, choose: (row: TestableRow) => void): Column<TestableRow>[] {
  const used = columns.map((column, i) => ({ name: column.name, used: column.used, i })).filter((column) => column.used)
  const text = (row: TestableRow) => used.map(({ name, i }) => `${name}: ${cellText(row.values[i]) ?? 'null'}`).join(', ')
  return [
    {
      id: 'key',
      header: 'Primary key',
      width: 200,
      cell: (row) => (
        <button type="button" className={runClasses.rowButton} onClick={() => choose(row)}>
          {row.key}
        </button>
      ),
    },
    { id: 'values', header: 'Values', fill: true, cell: (row) => <span className={runClasses.values}>{text(row)}</span> },
  ]
}

function Choice({ rows, onChoose }: { rows: TestRows; onChoose: (row: TestableRow) => void }) {
  if (rows.rows.length === 0) {
    return (
      <EmptyState icon={IconListSearch} title="The model has no rows">
        Change its query so that it returns a row, then test it.
      </EmptyState>
    )
  }
  return <DataTable caption="Rows to test" columns={columnsFor(rows, onChoose)} rows={rows.rows} rowKey={(row) => row.key} onRowClick={onChoose} />
}
