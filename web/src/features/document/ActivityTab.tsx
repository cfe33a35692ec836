import { IconHistory } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Card } from '~/components/page/Card'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Clip } from '~/components/table/Clip'
import { DataTable, type Column } from '~/components/table/DataTable'
import { activityQuery } from '~/services/documents'
import type { Activity, KindPath } from '~/services/types'

const columns: Column<Activity>[] = [
  { id: 'at', header: 'When', width: 160, cell: (entry) => <TimeAgo at={entry.at} /> },
  { id: 'by', header: 'Who', width: 220, cell: (entry) => <Clip text={entry.by} /> },
  { id: 'action', header: 'What', width: 120, cell: (entry) => <span style={{ textTransform: 'capitalize' }}>{entry.action}</span> },
  { id: 'summary', header: 'Details', fill: true, cell: (entry) => <span title={entry.summary}>{entry.summary || '–'}</span> },
  { id: 'revision', header: 'Revision', align: 'right', width: 90, cell: (entry) => entry.revision },
]

/** Who changed what and when (SY-07). */
export function ActivityTab({ kind, slug }: { kind: KindPath; slug: string }) {
  const query = useQuery(activityQuery(kind, slug))
  const rows = query.data?.items ?? []
  return (
    <Card flush>
      {query.isPending && <LoadingRows />}
      {query.isError && (
        <div className="card-body">
          <ErrorCard error={query.error} onRetry={() => void query.refetch()} />
        </div>
      )}
      {query.isSuccess && rows.length === 0 && <EmptyState icon={IconHistory} title="Nothing happened yet" />}
      {rows.length > 0 && (
        <DataTable caption="Activity" columns={columns} rows={rows} rowKey={(entry) => `${entry.at} ${entry.action} ${entry.revision}`} />
      )}
    </Card>
  )
}
