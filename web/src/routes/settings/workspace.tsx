import { useQuery } from '@tanstack/react-query'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { count } from '~/components/format/format'
import { Card } from '~/components/page/Card'
import { Facts } from '~/components/page/Facts'
import { DataTable, type Column } from '~/components/table/DataTable'
import { EgressNote } from '~/features/network/EgressNote'
import { sessionQuery, usageQuery, versionQuery } from '~/services/session'
import type { Usage } from '~/services/types'

type Month = NonNullable<Usage['months']>[number]

const monthName = (month: string): string =>
  new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(`${month}-01T00:00:00Z`))

const columns: Column<Month>[] = [
  { id: 'month', header: 'Month', cell: ({ month }) => monthName(month) },
  { id: 'syncs', header: 'Active syncs', align: 'right', cell: ({ activeSyncs }) => count(activeSyncs) },
  { id: 'operations', header: 'Operations', align: 'right', cell: ({ operations }) => count(operations) },
]

/** What the workspace is, what runs it, how much it did. */
export default function WorkspaceSettings() {
  const { data: session } = useQuery(sessionQuery)
  const version = useQuery(versionQuery)
  const usage = useQuery(usageQuery)
  const months = usage.data?.months ?? []
  return (
    <>
      <Card title="Workspace">
        <Facts
          facts={[
            { label: 'Name', value: session?.workspace.name },
            { label: 'Slug', value: <code>{session?.workspace.slug}</code> },
            { label: 'Region', value: session?.workspace.region ?? 'The operator of this server named none' },
            { label: 'Your role', value: session?.user.role },
            { label: 'Millrace', value: version.data?.version ?? '–' },
          ]}
        />
      </Card>
      <EgressNote />
      <Card title="Usage" flush>
        {usage.isPending && <LoadingRows rows={3} />}
        {usage.isError && (
          <div className="card-body">
            <ErrorCard error={usage.error} onRetry={() => void usage.refetch()} />
          </div>
        )}
        {usage.isSuccess && months.length === 0 && <p className="card-body muted">Nothing was synced yet.</p>}
        {months.length > 0 && <DataTable caption="Usage by month" columns={columns} rows={months} rowKey={({ month }) => month} />}
      </Card>
      <p className="muted small">Syncs from sample sources are not counted.</p>
    </>
  )
}
