import { useInfiniteQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { Card } from '~/components/page/Card'
import { DataTable } from '~/components/table/DataTable'
import { listQuery } from '~/services/documents'
import type { Query } from '~/services/http'
import { modelColumns } from './columns'

/** Models that match, without search and filters of their own. */
export function ModelTable({ filters, empty }: { filters: Query; empty: ReactNode }) {
  const query = useInfiniteQuery(listQuery('models', filters))
  const rows = query.data?.pages.flatMap((page) => page.items ?? []) ?? []
  return (
    <Card flush>
      {query.isPending && <LoadingRows />}
      {query.isError && <ErrorCard error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rows.length === 0 && empty}
      {rows.length > 0 && (
        <DataTable
          caption="Models"
          columns={modelColumns.filter(({ extra }) => extra !== true).map(({ sort: _, ...column }) => column)}
          rows={rows}
          rowKey={(row) => row.metadata.slug}
          more={query.hasNextPage ? { load: () => void query.fetchNextPage(), loading: query.isFetchingNextPage } : undefined}
        />
      )}
    </Card>
  )
}
