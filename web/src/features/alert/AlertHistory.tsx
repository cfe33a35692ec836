import { IconBellRinging } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { DataTable, type Column } from '~/components/table/DataTable'
import { alertHistoryQuery } from '~/services/alerts'
import type { AlertEvent, AlertNotice } from '~/services/types'
import classes from './Alert.module.css'
import { LevelBadge } from './AlertBadge'

const noticeWords: Record<AlertNotice['state'], string> = { pending: 'on its way', sent: 'sent', failed: 'not delivered' }

function Told({ event }: { event: AlertEvent }) {
  if (event.notices.length === 0) return <span className="muted">{event.muted ? 'Nobody: muted' : 'Nobody'}</span>
  return (
    <div className={classes.told}>
      {event.notices.map((notice, i) => (
        <span key={i} className={notice.state === 'failed' ? classes.refused : undefined} title={notice.error}>
          {notice.channel}
          {notice.target ? ` (${notice.target})` : ''}, {noticeWords[notice.state]}
          {notice.repeat ? ' again' : ''}
          {notice.error ? <small className={classes.measured}>: {notice.error}</small> : null}
        </span>
      ))}
    </div>
  )
}

const columns: Column<AlertEvent>[] = [
  { id: 'at', header: 'When', width: 140, cell: ({ at }) => <TimeAgo at={at} /> },
  { id: 'trigger', header: 'Trigger', width: 160, cell: ({ label }) => label },
  { id: 'to', header: 'Became', width: 110, cell: ({ to }) => <LevelBadge level={to} /> },
  { id: 'words', header: 'Why', fill: true, cell: ({ words }) => <span title={words}>{words}</span> },
  { id: 'told', header: 'Told', width: 260, secondary: true, cell: (event) => <Told event={event} /> },
]

/** Every change of a sync's alerts, and what became of its notices. */
export function AlertHistory({ slug }: { slug: string }) {
  const query = useInfiniteQuery(alertHistoryQuery(slug))
  const rows = query.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <Card title="History" flush>
      {query.isPending && <LoadingRows />}
      {query.isError && (
        <div className="card-body">
          <ErrorCard error={query.error} title="The history could not be loaded" onRetry={() => void query.refetch()} />
        </div>
      )}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState icon={IconBellRinging} title="Nothing has alerted yet">
          Each change of a trigger shows here for 90 days, with who was told of it.
        </EmptyState>
      )}
      {rows.length > 0 && (
        <DataTable
          caption="Alert history"
          columns={columns}
          rows={rows}
          rowKey={(event) => event.id}
          more={query.hasNextPage ? { load: () => void query.fetchNextPage(), loading: query.isFetchingNextPage } : undefined}
        />
      )}
    </Card>
  )
}
