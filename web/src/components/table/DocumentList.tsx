import { IconFilterOff } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Button } from '@mantine/core'
import type { ReactNode } from 'react'
import { Card } from '~/components/page/Card'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import type { ListSearch } from '~/routes/search'
import { listQuery, type Documents } from '~/services/documents'
import type { KindPath } from '~/services/types'
import { DataTable, type Column } from './DataTable'
import { FilterSelect, ListToolbar, SearchField } from './ListToolbar'

export interface Filter {
  name: 'type'
  label: string
  options: { value: string; label: string }[]
}

interface Props<K extends KindPath> {
  kind: K
  noun: string
  columns: Column<Documents[K]>[]
  filters: Filter[]
  search: ListSearch
  onSearch: (search: ListSearch) => void
  /** What stands there while there is none at all. */
  empty: ReactNode
}

/** Whether anything narrows the list. */
const narrowed = ({ search, type }: ListSearch): boolean => search !== undefined || type !== undefined

/** A short list of one kind, with search and a filter that its address keeps. */
export function DocumentList<K extends KindPath>({ kind, noun, columns, filters, search, onSearch, empty }: Props<K>) {
  const query = useInfiniteQuery(listQuery(kind, { ...search }))
  const rows = query.data?.pages.flatMap((page) => page.items) ?? []
  const total = query.data?.pages[0]?.total
  const set = (patch: ListSearch) => onSearch({ ...search, ...patch })
  if (query.isSuccess && rows.length === 0 && !narrowed(search)) return <Card flush>{empty}</Card>
  return (
    <Card flush>
      <ListToolbar>
        <SearchField label={`Search ${noun}`} value={search.search ?? ''} onChange={(text) => set({ search: text || undefined })} />
        {filters.map((filter) => (
          <FilterSelect
            key={filter.name}
            label={filter.label}
            options={filter.options}
            value={search[filter.name]?.[0] ?? ''}
            onChange={(value) => set({ [filter.name]: value === '' ? undefined : [value] })}
          />
        ))}
        {total !== undefined && <span className="muted small num" style={{ marginLeft: 'auto' }}>{total} {noun}</span>}
      </ListToolbar>
      {query.isPending && <LoadingRows />}
      {query.isError && (
        <div className="card-body">
          <ErrorCard error={query.error} title={`The ${noun} could not be loaded`} onRetry={() => void query.refetch()} />
        </div>
      )}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState
          icon={IconFilterOff}
          title={`No ${noun} match`}
          action={<Button variant="default" onClick={() => onSearch({ sort: search.sort })}>Clear search and filters</Button>}
        />
      )}
      {rows.length > 0 && (
        <DataTable
          caption={noun.charAt(0).toUpperCase() + noun.slice(1)}
          columns={columns}
          rows={rows}
          rowKey={(row) => row.metadata.slug}
          sort={search.sort}
          onSort={(sort) => set({ sort: sort || undefined })}
          more={
            query.hasNextPage
              ? { load: () => void query.fetchNextPage(), loading: query.isFetchingNextPage, total }
              : undefined
          }
        />
      )}
    </Card>
  )
}
