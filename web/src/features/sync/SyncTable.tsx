import { LinkButton } from '~/components/page/LinkButton'
import { IconRefresh } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { Card } from '~/components/page/Card'
import { DataTable } from '~/components/table/DataTable'
import { listQuery } from '~/services/documents'
import { syncColumns } from './columns'

/** The syncs of one model or destination. */
export function SyncTable({ filters }: { filters: { model?: string; destination?: string } }) {
  const query = useInfiniteQuery(listQuery('syncs', { ...filters }))
  const rows = query.data?.pages.flatMap((page) => page.items ?? []) ?? []
  const hidden = filters.model === undefined ? 'destination' : 'model'
  return (
    <Card flush>
      {query.isPending && <LoadingRows />}
      {query.isError && <ErrorCard error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState
          icon={IconRefresh}
          title="No sync yet"
          action={
            <LinkButton to="/syncs/new" search={filters}>
              Add sync
            </LinkButton>
          }
        >
          A sync keeps a destination in step with a model.
        </EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable
          caption="Syncs"
          columns={syncColumns.filter((column) => column.id !== hidden && column.extra !== true).map(({ sort: _, ...column }) => column)}
          rows={rows}
          rowKey={(row) => row.metadata.slug}
          more={query.hasNextPage ? { load: () => void query.fetchNextPage(), loading: query.isFetchingNextPage } : undefined}
        />
      )}
    </Card>
  )
}
