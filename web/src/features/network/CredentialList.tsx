import { IconKey, IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { EmptyState } from '~/components/feedback/EmptyState'
import { plural } from '~/components/format/format'
import { LinkButton } from '~/components/page/LinkButton'
import type { Column } from '~/components/table/DataTable'
import { NameCell } from '~/components/table/NameCell'
import { ShortList } from '~/components/table/ShortList'
import { TestBadge } from '~/features/connection/TestBadge'
import { testWords } from '~/features/connection/words'
import type { ListSearch } from '~/routes/search'
import { credentialCatalogQuery, credentialsQuery } from '~/services/network'
import type { Credential, CredentialType } from '~/services/types'

function columnsFor(types: CredentialType[]): Column<Credential>[] {
  const typeOf = ({ spec }: Credential) => types.find(({ slug }) => slug === spec.type)?.name ?? spec.type
  return [
    {
      id: 'name',
      header: 'Name',
      fill: true,
      sort: 'name',
      text: ({ metadata, status }) => `${metadata.name} ${metadata.slug} ${status.clientEmail ?? ''}`,
      cell: ({ metadata, status }) => (
        <NameCell
          link={
            <Link to="/settings/credentials/$slug" params={{ slug: metadata.slug }} title={metadata.name}>
              {metadata.name}
            </Link>
          }
          note={status.clientEmail}
        />
      ),
    },
    { id: 'type', header: 'Provider', width: 170, sort: 'type', secondary: true, text: typeOf, cell: typeOf },
    { id: 'test', header: 'Last test', width: 120, sort: 'test', text: ({ status }) => testWords(status.lastTest), cell: ({ status }) => <TestBadge test={status.lastTest} /> },
    { id: 'used', header: 'Used by', width: 120, sort: 'used', secondary: true, text: ({ status }) => plural(status.useCount, 'document'), cell: ({ status }) => plural(status.useCount, 'document') },
  ]
}

/** The credentials that sources and destinations share. */
export function CredentialList({ search, onSearch }: { search: ListSearch; onSearch: (search: ListSearch) => void }) {
  const credentials = useQuery(credentialsQuery)
  const catalog = useQuery(credentialCatalogQuery)
  return (
    <ShortList
      title="Credentials"
      one="credential"
      many="credentials"
      query={credentials}
      columns={columnsFor(catalog.data ?? [])}
      rowKey={({ metadata }) => metadata.slug}
      search={search}
      onSearch={onSearch}
      add={
        <LinkButton size="xs" to="/settings/credentials/new" search={{}} leftSection={<IconPlus size={14} />}>
          Add credential
        </LinkButton>
      }
      empty={
        <EmptyState icon={IconKey} title="No credential yet">
          What lets this server in at AWS, Google Cloud or Azure, described once and used by any number of sources and destinations.
        </EmptyState>
      }
    />
  )
}
