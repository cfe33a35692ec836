import { IconUsers } from '@tabler/icons-react'
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { Card } from '~/components/page/Card'
import { DataTable, type Column } from '~/components/table/DataTable'
import { audiencesQuery } from '~/services/audiencesizes'
import type { AudienceSize } from '~/services/types'
import { ExternalLink } from './ExternalLink'
import { sizeWords } from './words'

const columns: Column<AudienceSize>[] = [
  { id: 'name', header: 'Audience', fill: true, cell: (row) => <ExternalLink to={row.link}>{row.name === '' ? row.audience : row.name}</ExternalLink> },
  { id: 'size', header: 'Size', align: 'right', width: 120, cell: (row) => sizeWords(row.size) },
  { id: 'status', header: 'Status', secondary: true, cell: (row) => row.status ?? '–' },
  { id: 'account', header: 'Ad account', secondary: true, cell: (row) => row.account },
  {
    id: 'sync',
    header: 'Filled by',
    cell: (row) =>
      row.sync === null ? (
        '–'
      ) : (
        <Link to="/syncs/$slug" params={{ slug: row.sync.slug }}>
          {row.sync.name}
        </Link>
      ),
  },
]

/** The audiences as the last look found them. */
export function AudienceTable({ slug, checkedAt }: { slug: string; checkedAt: string | null }) {
  const client = useQueryClient()
  const query = useInfiniteQuery(audiencesQuery(slug))
  const rows = query.data?.pages.flatMap((page) => page.items) ?? []
  const seen = useRef(checkedAt)
  useEffect(() => {
    if (seen.current === checkedAt) return
    seen.current = checkedAt
    void client.invalidateQueries({ queryKey: audiencesQuery(slug).queryKey })
  }, [client, slug, checkedAt])
  return (
    <Card title="Audiences" flush>
      {query.isPending && <LoadingRows />}
      {query.isError && <ErrorCard error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState icon={IconUsers} title="No audience yet">
          They are listed after the first look at the ad accounts.
        </EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable
          caption="Audiences of the ad accounts"
          columns={columns}
          rows={rows}
          rowKey={(row) => `${row.account} ${row.audience}`}
          more={query.hasNextPage ? { load: () => void query.fetchNextPage(), loading: query.isFetchingNextPage, total: query.data?.pages[0]?.total } : undefined}
        />
      )}
    </Card>
  )
}
