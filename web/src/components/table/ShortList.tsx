import { Button } from '@mantine/core'
import { IconFilterOff } from '@tabler/icons-react'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { plural } from '~/components/format/format'
import { Card } from '~/components/page/Card'
import type { ListSearch } from '~/routes/search'
import { FilterMenu, type Choice } from './FilterMenu'
import { ListToolbar, SearchField } from './ListToolbar'
import { arranged } from './arranged'
import type { Column } from './DataTable'
import classes from './Table.module.css'
import { VirtualTable, type Chosen } from './VirtualTable'

interface Props<T> {
  title: string
  /** One of them, such as tunnel; and several. */
  one: string
  many: string
  query: Pick<UseQueryResult<T[]>, 'data' | 'error' | 'isPending' | 'refetch'>
  /** What has a text is searched, and sorted by where it has a sort. */
  columns: Column<T>[]
  rowKey: (row: T) => string | number
  search: ListSearch
  onSearch: (search: ListSearch) => void
  /** A filter by what each row is. */
  types?: { choices: Choice[]; of: (row: T) => string }
  /** Adds one. */
  add: ReactNode
  /** What stands there while there is none at all. */
  empty: ReactNode
  chosen?: (rows: T[]) => Chosen<T>
  /** What is done with those that are chosen. */
  selection?: ReactNode
}

const onSight = () => undefined

/** A list that comes with one answer: searched, filtered and sorted here, as its address says. */
export function ShortList<T>(props: Props<T>) {
  const { title, one, many, query, columns, rowKey, search, onSearch, types, add, empty, chosen, selection } = props
  const all = query.data ?? []
  const of = types === undefined || search.type === undefined ? all : all.filter((row) => search.type?.includes(types.of(row)))
  const rows = arranged(of, columns, search)
  const set = (patch: ListSearch) => onSearch({ ...search, ...patch })
  return (
    <Card title={title} flush actions={add}>
      {query.isPending && <LoadingRows rows={3} />}
      {query.error !== null && (
        <div className="card-body">
          <ErrorCard error={query.error} title={`The ${many} could not be loaded`} onRetry={() => void query.refetch()} />
        </div>
      )}
      {query.data?.length === 0 && empty}
      {all.length > 0 && (
        <>
          <ListToolbar>
            <SearchField label={`Search ${many}`} value={search.search ?? ''} onChange={(text) => set({ search: text || undefined })} />
            {types !== undefined && (
              <FilterMenu label="Type" choices={types.choices} chosen={search.type ?? []} onChange={(type) => set({ type: type.length === 0 ? undefined : type })} />
            )}
            <span className={`${classes.total} muted small num`}>{plural(rows.length, one, many)}</span>
          </ListToolbar>
          {selection}
          {rows.length === 0 ? (
            <EmptyState icon={IconFilterOff} title={`No ${many} match`} action={<Button variant="default" onClick={() => onSearch({ sort: search.sort })}>Clear search and filters</Button>} />
          ) : (
            <VirtualTable
              caption={many.charAt(0).toUpperCase() + many.slice(1)}
              columns={columns}
              count={rows.length}
              rowAt={(index) => rows[index]}
              rowKey={rowKey}
              sort={search.sort}
              onSort={(sort) => set({ sort: sort || undefined })}
              onSight={onSight}
              chosen={chosen?.(rows)}
              narrow
            />
          )}
        </>
      )}
    </Card>
  )
}
