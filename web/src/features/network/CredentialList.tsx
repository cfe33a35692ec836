import { IconKey, IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { plural } from '~/components/format/format'
import { Card } from '~/components/page/Card'
import { LinkButton } from '~/components/page/LinkButton'
import { DataTable, type Column } from '~/components/table/DataTable'
import { ListToolbar, SearchField } from '~/components/table/ListToolbar'
import { TestBadge } from '~/features/connection/TestBadge'
import { credentialCatalogQuery, credentialsQuery } from '~/services/network'
import type { Credential, CredentialType } from '~/services/types'

const columnsFor = (types: CredentialType[]): Column<Credential>[] => [
  {
    id: 'name',
    header: 'Name',
    fill: true,
    cell: ({ metadata, status }) => (
      <>
        <Link to="/settings/credentials/$slug" params={{ slug: metadata.slug }}>
          <strong>{metadata.name}</strong>
        </Link>
        {status.clientEmail !== undefined && <div className="muted small truncate">{status.clientEmail}</div>}
      </>
    ),
  },
  { id: 'type', header: 'Provider', width: 190, cell: ({ spec }) => types.find(({ slug }) => slug === spec.type)?.name ?? spec.type },
  { id: 'test', header: 'Last test', width: 120, cell: ({ status }) => <TestBadge test={status.lastTest} /> },
  { id: 'used', header: 'Used by', width: 120, secondary: true, cell: ({ status }) => plural(status.useCount, 'document') },
]

/** The credentials that sources and destinations share. */
export function CredentialList() {
  const credentials = useQuery(credentialsQuery)
  const catalog = useQuery(credentialCatalogQuery)
  const [search, setSearch] = useState('')
  const all = credentials.data ?? []
  const rows = all.filter(({ metadata }) => `${metadata.name} ${metadata.slug}`.toLowerCase().includes(search.toLowerCase()))
  return (
    <Card
      title="Credentials"
      flush
      actions={
        <LinkButton size="xs" to="/settings/credentials/new" search={{}} leftSection={<IconPlus size={14} />}>
          Add credential
        </LinkButton>
      }
    >
      {credentials.isPending && <LoadingRows rows={3} />}
      {credentials.isError && (
        <div className="card-body">
          <ErrorCard error={credentials.error} title="The credentials could not be loaded" onRetry={() => void credentials.refetch()} />
        </div>
      )}
      {credentials.isSuccess && all.length === 0 && (
        <EmptyState icon={IconKey} title="No credential yet">
          What lets this server in at AWS, Google Cloud or Azure, described once and used by any number of sources and destinations.
        </EmptyState>
      )}
      {all.length > 0 && (
        <>
          <ListToolbar>
            <SearchField label="Search credentials" value={search} onChange={setSearch} />
          </ListToolbar>
          {rows.length === 0 ? (
            <p className="card-body muted">No credentials match.</p>
          ) : (
            <DataTable caption="Credentials" columns={columnsFor(catalog.data ?? [])} rows={rows} rowKey={({ metadata }) => metadata.slug} />
          )}
        </>
      )}
    </Card>
  )
}
