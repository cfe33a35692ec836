import { IconPlus, IconRoute } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { plural } from '~/components/format/format'
import { Card } from '~/components/page/Card'
import { LinkButton } from '~/components/page/LinkButton'
import { StatusBadge } from '~/components/status/StatusBadge'
import { DataTable, type Column } from '~/components/table/DataTable'
import { ListToolbar, SearchField } from '~/components/table/ListToolbar'
import { tunnelsQuery } from '~/services/network'
import type { Tunnel } from '~/services/types'
import { tunnelStates, wayOf } from './words'

const columns: Column<Tunnel>[] = [
  {
    id: 'name',
    header: 'Name',
    fill: true,
    cell: (tunnel) => (
      <>
        <Link to="/settings/tunnels/$slug" params={{ slug: tunnel.metadata.slug }}>
          <strong>{tunnel.metadata.name}</strong>
        </Link>
        <div className="muted small truncate" title={wayOf(tunnel)}>
          {wayOf(tunnel)}
        </div>
      </>
    ),
  },
  { id: 'type', header: 'Type', width: 110, cell: ({ spec }) => (spec.type === 'reverse' ? 'Reverse' : 'Standard') },
  { id: 'state', header: 'Status', width: 140, cell: ({ status }) => <StatusBadge {...tunnelStates[status.state]} /> },
  { id: 'used', header: 'Used by', width: 120, secondary: true, cell: ({ status }) => plural(status.useCount, 'document') },
]

/** The workspace's tunnels and how they stand. */
export function TunnelList() {
  const tunnels = useQuery(tunnelsQuery)
  const [search, setSearch] = useState('')
  const all = tunnels.data ?? []
  const rows = all.filter((tunnel) => `${tunnel.metadata.name} ${tunnel.metadata.slug} ${wayOf(tunnel)}`.toLowerCase().includes(search.toLowerCase()))
  return (
    <Card
      title="Tunnels"
      flush
      actions={
        <LinkButton size="xs" to="/settings/tunnels/new" leftSection={<IconPlus size={14} />}>
          Add tunnel
        </LinkButton>
      }
    >
      {tunnels.isPending && <LoadingRows rows={3} />}
      {tunnels.isError && (
        <div className="card-body">
          <ErrorCard error={tunnels.error} title="The tunnels could not be loaded" onRetry={() => void tunnels.refetch()} />
        </div>
      )}
      {tunnels.isSuccess && all.length === 0 && (
        <EmptyState icon={IconRoute} title="No tunnel yet">
          Through an SSH tunnel, databases in a private network are reached without opening them to the internet.
        </EmptyState>
      )}
      {all.length > 0 && (
        <>
          <ListToolbar>
            <SearchField label="Search tunnels" value={search} onChange={setSearch} />
          </ListToolbar>
          {rows.length === 0 ? <p className="card-body muted">No tunnels match.</p> : <DataTable caption="Tunnels" columns={columns} rows={rows} rowKey={({ metadata }) => metadata.slug} />}
        </>
      )}
    </Card>
  )
}
