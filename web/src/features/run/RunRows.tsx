import { SegmentedControl } from '@mantine/core'
import { IconListSearch } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { count } from '~/components/format/format'
import { cellText } from '~/components/grid/types'
import { Card } from '~/components/page/Card'
import { operations, operationWords } from '~/components/status/states'
import { DataTable, type Column } from '~/components/table/DataTable'
import { SearchField } from '~/components/table/ListToolbar'
import tableClasses from '~/components/table/Table.module.css'
import { PageTabs } from '~/components/tabs/PageTabs'
import type { RunSearch } from '~/routes/search'
import { isActive, rowsQuery } from '~/services/runs'
import type { Run, RunRow } from '~/services/types'
import { rejectedCount, rejectedOf, sum } from './counts'
import { ExportMenu } from './ExportMenu'
import classes from './Run.module.css'

interface Props {
  run: Run
  search: RunSearch
  onSearch: (search: RunSearch) => void
}

const valuesText = ({ values }: RunRow, columns: string[]): string =>
  columns.map((name) => `${name}: ${cellText(values?.[name]) ?? 'null'}`).join(', ')

const columnsFor = (open: (row: RunRow) => void, rejected: boolean, columns: string[]): Column<RunRow>[] => [
  {
    id: 'key',
    header: 'Primary key',
    width: 220,
    cell: (row) => (
      <button type="button" className={classes.rowButton} onClick={() => open(row)}>
        {row.key}
      </button>
    ),
  },
  { id: 'operation', header: 'Operation', width: 110, cell: (row) => operationWords[row.operation] },
  ...(rejected
    ? [{ id: 'reason', header: 'Error', fill: true, cell: (row: RunRow) => <Reason row={row} /> }]
    : []),
  { id: 'values', header: 'Values', secondary: rejected, fill: !rejected, cell: (row) => <span className={rejected ? classes.shortValues : classes.values}>{valuesText(row, columns)}</span> },
]

const Reason = ({ row: { reason } }: { row: RunRow }) =>
  reason === '' ? <span className="muted">Not sent, since the run stopped</span> : <span className={classes.reason}>{reason}</span>

/** What came of every row: successful or rejected, by operation, found by key (SY-71, SY-73). */
export function RunRows({ run, search, onSearch }: Props) {
  const failing = rejectedCount(run)
  const tab = search.tab ?? (failing > 0 && sum(run.succeeded) === 0 ? 'rejected' : 'successful')
  const content = () => <Rows run={run} search={{ ...search, tab }} onSearch={onSearch} />
  return (
    <PageTabs
      label="Rows"
      tabs={[
        { value: 'successful', label: 'Successful', count: sum(run.succeeded), content },
        { value: 'rejected', label: 'Rejected', count: failing, content },
      ]}
      value={tab}
      onChange={(next) => onSearch({ ...search, tab: next === 'rejected' ? 'rejected' : 'successful', row: undefined })}
    />
  )
}

function Rows({ run, search, onSearch }: Props) {
  const rejected = search.tab === 'rejected'
  const query = useInfiniteQuery({
    ...rowsQuery(run, { outcome: rejected ? 'rejected' : 'successful', operation: search.operation, key: search.key }),
    refetchInterval: isActive(run) ? 2_500 : false,
  })
  const rows = query.data?.pages.flatMap((page) => page.items) ?? []
  const counts = rejected ? rejectedOf(run) : run.succeeded
  const total = search.operation === undefined ? sum(counts) : counts[search.operation]
  const open = (row: RunRow) => onSearch({ ...search, row: row.ordinal })
  return (
    <Card flush>
      <div className={`${tableClasses.toolbar} quiet`}>
        <SearchField label="Search by primary key" value={search.key ?? ''} onChange={(key) => onSearch({ ...search, key: key || undefined })} />
        <SegmentedControl
          size="xs"
          aria-label="Operation"
          data={[
            { value: 'all', label: 'All' },
            ...operations.map((operation) => ({ value: operation, label: `${operationWords[operation]} ${count(counts[operation])}` })),
          ]}
          value={search.operation ?? 'all'}
          onChange={(value) => onSearch({ ...search, operation: operations.find((o) => o === value) })}
        />
        <ExportMenu run={run} />
      </div>
      {query.isPending && <LoadingRows />}
      {query.isError && (
        <div className="card-body">
          <ErrorCard error={query.error} onRetry={() => void query.refetch()} />
        </div>
      )}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState icon={IconListSearch} title={isActive(run) && !rejected && search.key === undefined ? 'Rows appear here as they are sent' : emptyTitle(search, rejected)}>
          {search.key !== undefined ? 'The search takes the whole primary key, letter for letter.' : undefined}
        </EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable
          caption={rejected ? 'Rejected rows' : 'Successful rows'}
          columns={columnsFor(open, rejected, query.data?.pages[0]?.columns ?? [])}
          rows={rows}
          rowKey={(row) => row.ordinal}
          selected={search.row}
          onRowClick={open}
          more={
            query.hasNextPage
              ? { load: () => void query.fetchNextPage(), loading: query.isFetchingNextPage, total: search.key === undefined ? total : undefined }
              : undefined
          }
        />
      )}
    </Card>
  )
}

function emptyTitle({ key, operation }: RunSearch, rejected: boolean): string {
  if (key !== undefined) return `No row has the key ${key}`
  const rows = operation === undefined ? 'row' : `${operation} row`
  return rejected ? `No ${rows} was rejected` : `No ${rows} was sent`
}
