import { Badge } from '@mantine/core'
import { LinkButton } from '~/components/page/LinkButton'
import { IconDatabase, IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { ConnectorIcon } from '~/components/brand/ConnectorIcon'
import { EmptyState } from '~/components/feedback/EmptyState'
import { Page } from '~/components/page/Page'
import { NameCell } from '~/components/table/NameCell'
import type { Column } from '~/components/table/DataTable'
import { TestBadge } from '~/features/connection/TestBadge'
import { sourceCatalogQuery } from '~/services/catalog'
import type { Source, SourceInfo } from '~/services/types'
import { createdColumn, creatorColumn, labelsColumn, slugColumn, updatedColumn } from '~/features/list/common'
import { ResourceList } from '~/features/list/ResourceList'

const route = getRouteApi('/app/sources')

function columnsFor(types: SourceInfo[] | undefined): Column<Source>[] {
  const typeName = (slug: string) => types?.find((one) => one.slug === slug)?.name ?? slug
  return [
    {
      id: 'name',
      header: 'Name',
      fill: true,
      sort: 'name',
      text: ({ metadata }) => metadata.name,
      cell: ({ metadata, spec, status }) => (
        <NameCell
          icon={<ConnectorIcon type={spec.type} />}
          link={
            <span className="row">
              <Link to="/sources/$slug" params={{ slug: metadata.slug }} title={metadata.name}>
                {metadata.name}
              </Link>
              {status?.sample && <Badge>Sample</Badge>}
            </span>
          }
          note={typeName(spec.type)}
        />
      ),
    },
    { id: 'type', header: 'Type', width: 150, extra: true, text: ({ spec }) => typeName(spec.type), cell: ({ spec }) => typeName(spec.type) },
    { id: 'test', header: 'Connection', width: 170, text: ({ status }) => (status?.lastTest === null || status?.lastTest === undefined ? '' : status.lastTest.ok ? 'works' : 'fails'), cell: ({ status }) => <TestBadge sample={status?.sample} test={status?.lastTest ?? null} /> },
    { id: 'models', header: 'Models', align: 'right', width: 90, text: ({ status }) => String(status?.modelCount ?? 0), cell: ({ status }) => status?.modelCount ?? 0 },
    updatedColumn,
    createdColumn,
    creatorColumn,
    labelsColumn,
    slugColumn,
  ]
}

const addSource = (
  <LinkButton to="/sources/new" leftSection={<IconPlus size={16} />}>
    Add source
  </LinkButton>
)

/** The sources of the workspace. */
export default function SourcesPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const catalog = useQuery(sourceCatalogQuery)
  const types = (catalog.data ?? []).map((info) => ({ value: info.slug, label: info.name }))
  const columns = useMemo(() => columnsFor(catalog.data), [catalog.data])
  return (
    <Page title="Sources" meta="Where your data lives." actions={addSource}>
      <ResourceList
        kind="sources"
        one="source"
        columns={columns}
        filters={[{ name: 'type', label: 'Type', choices: types }]}
        search={search}
        onSearch={(next) => void navigate({ search: next, replace: true })}
        empty={
          <EmptyState icon={IconDatabase} title="Connect your first source" action={addSource}>
            A source is the database, warehouse or folder that your rows come from. No data at hand? Start with a sample dataset.
          </EmptyState>
        }
      />
    </Page>
  )
}
