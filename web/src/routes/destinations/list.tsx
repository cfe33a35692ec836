import { LinkButton } from '~/components/page/LinkButton'
import { IconPlus, IconSend } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { ConnectorIcon } from '~/components/brand/ConnectorIcon'
import { EmptyState } from '~/components/feedback/EmptyState'
import { Page } from '~/components/page/Page'
import type { Column } from '~/components/table/DataTable'
import { NameCell } from '~/components/table/NameCell'
import { TestBadge } from '~/features/connection/TestBadge'
import { destinationCatalogQuery } from '~/services/catalog'
import type { Destination, DestinationInfo } from '~/services/types'
import { createdColumn, creatorColumn, labelsColumn, slugColumn, updatedColumn } from '~/features/list/common'
import { ResourceList } from '~/features/list/ResourceList'

const route = getRouteApi('/app/destinations')

function columnsFor(types: DestinationInfo[] | undefined): Column<Destination>[] {
  const typeName = (slug: string) => types?.find((one) => one.slug === slug)?.name ?? slug
  return [
    {
      id: 'name',
      header: 'Name',
      fill: true,
      sort: 'name',
      text: ({ metadata }) => metadata.name,
      cell: ({ metadata, spec }) => (
        <NameCell
          icon={<ConnectorIcon type={spec.type} />}
          link={
            <Link to="/destinations/$slug" params={{ slug: metadata.slug }} title={metadata.name}>
              {metadata.name}
            </Link>
          }
          note={typeName(spec.type)}
        />
      ),
    },
    { id: 'type', header: 'Type', width: 150, extra: true, text: ({ spec }) => typeName(spec.type), cell: ({ spec }) => typeName(spec.type) },
    { id: 'test', header: 'Connection', width: 170, text: ({ status }) => (status?.lastTest === null || status?.lastTest === undefined ? '' : status.lastTest.ok ? 'works' : 'fails'), cell: ({ status }) => <TestBadge test={status?.lastTest ?? null} /> },
    { id: 'syncs', header: 'Syncs', align: 'right', width: 90, text: ({ status }) => String(status?.syncCount ?? 0), cell: ({ status }) => status?.syncCount ?? 0 },
    updatedColumn,
    createdColumn,
    creatorColumn,
    labelsColumn,
    slugColumn,
  ]
}

const addDestination = (
  <LinkButton to="/destinations/new" leftSection={<IconPlus size={16} />}>
    Add destination
  </LinkButton>
)

/** The destinations of the workspace. */
export default function DestinationsPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const catalog = useQuery(destinationCatalogQuery)
  const types = (catalog.data ?? []).map((info) => ({ value: info.slug, label: info.name }))
  const columns = useMemo(() => columnsFor(catalog.data), [catalog.data])
  return (
    <Page title="Destinations" meta="Where your rows are sent." actions={addDestination}>
      <ResourceList
        kind="destinations"
        one="destination"
        columns={columns}
        filters={[{ name: 'type', label: 'Type', choices: types }]}
        search={search}
        onSearch={(next) => void navigate({ search: next, replace: true })}
        empty={
          <EmptyState icon={IconSend} title="Connect your first destination" action={addDestination}>
            A destination is the tool, database or folder that your rows are sent to. A local folder is enough to try.
          </EmptyState>
        }
      />
    </Page>
  )
}
