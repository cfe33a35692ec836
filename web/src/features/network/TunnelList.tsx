import { IconPlus, IconRoute } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { EmptyState } from '~/components/feedback/EmptyState'
import { plural } from '~/components/format/format'
import { LinkButton } from '~/components/page/LinkButton'
import { StatusBadge } from '~/components/status/StatusBadge'
import type { Column } from '~/components/table/DataTable'
import { NameCell } from '~/components/table/NameCell'
import { ShortList } from '~/components/table/ShortList'
import type { ListSearch } from '~/routes/search'
import { tunnelsQuery } from '~/services/network'
import type { Tunnel } from '~/services/types'
import { tunnelStates, wayOf } from './words'

const typeOf = ({ spec }: Tunnel) => (spec.type === 'reverse' ? 'Reverse' : 'Standard')

const columns: Column<Tunnel>[] = [
  {
    id: 'name',
    header: 'Name',
    fill: true,
    sort: 'name',
    text: (tunnel) => `${tunnel.metadata.name} ${tunnel.metadata.slug} ${wayOf(tunnel)}`,
    cell: (tunnel) => (
      <NameCell
        link={
          <Link to="/settings/tunnels/$slug" params={{ slug: tunnel.metadata.slug }} title={tunnel.metadata.name}>
            {tunnel.metadata.name}
          </Link>
        }
        note={<span title={wayOf(tunnel)}>{wayOf(tunnel)}</span>}
      />
    ),
  },
  { id: 'type', header: 'Type', width: 110, sort: 'type', secondary: true, text: typeOf, cell: typeOf },
  { id: 'state', header: 'Status', width: 140, sort: 'state', text: ({ status }) => tunnelStates[status.state].label, cell: ({ status }) => <StatusBadge {...tunnelStates[status.state]} /> },
  { id: 'used', header: 'Used by', width: 120, sort: 'used', secondary: true, text: ({ status }) => plural(status.useCount, 'document'), cell: ({ status }) => plural(status.useCount, 'document') },
]

/** The workspace's tunnels and how they stand. */
export function TunnelList({ search, onSearch }: { search: ListSearch; onSearch: (search: ListSearch) => void }) {
  const tunnels = useQuery(tunnelsQuery)
  return (
    <ShortList
      title="Tunnels"
      one="tunnel"
      many="tunnels"
      query={tunnels}
      columns={columns}
      rowKey={({ metadata }) => metadata.slug}
      search={search}
      onSearch={onSearch}
      add={
        <LinkButton size="xs" to="/settings/tunnels/new" leftSection={<IconPlus size={14} />}>
          Add tunnel
        </LinkButton>
      }
      empty={
        <EmptyState icon={IconRoute} title="No tunnel yet">
          Through an SSH tunnel, databases in a private network are reached without opening them to the internet.
        </EmptyState>
      }
    />
  )
}
