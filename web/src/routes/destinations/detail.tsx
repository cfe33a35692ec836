import { LinkButton } from '~/components/page/LinkButton'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ConnectorIcon } from '~/components/brand/ConnectorIcon'
import { Page } from '~/components/page/Page'
import { PageTabs } from '~/components/tabs/PageTabs'
import { DefaultsTab } from '~/features/alert/DefaultsTab'
import { AudienceSizesTab } from '~/features/audiencesize/AudienceSizesTab'
import { ConfigurationTab } from '~/features/connection/ConfigurationTab'
import { ActivityTab } from '~/features/document/ActivityTab'
import { DocumentGate } from '~/features/document/DocumentGate'
import { DocumentMenu } from '~/features/document/DocumentMenu'
import { Meta } from '~/features/document/Meta'
import { LineageTab } from '~/features/lineage/LineageTab'
import { SyncTable } from '~/features/sync/SyncTable'
import { destinationCatalogQuery } from '~/services/catalog'
import type { Destination } from '~/services/types'

const route = getRouteApi('/app/destinations/$slug')

export default function DestinationPage() {
  const { slug } = route.useParams()
  return (
    <DocumentGate key={slug} kind="destinations" slug={slug}>
      {(destination) => <DestinationDetail destination={destination} />}
    </DocumentGate>
  )
}

/** One destination: its configuration and the syncs that write to it. */
function DestinationDetail({ destination }: { destination: Destination }) {
  const { metadata, spec, status } = destination
  const { tab = 'configuration' } = route.useSearch()
  const navigate = route.useNavigate()
  const catalog = useQuery(destinationCatalogQuery)
  const info = catalog.data?.find((entry) => entry.slug === spec.type)
  const tabs = [
    {
      value: 'configuration',
      label: 'Configuration',
      content: () => <ConfigurationTab kind="destinations" document={destination} fields={info?.fields ?? []} sample={false} />,
    },
    { value: 'syncs', label: 'Syncs', count: status?.syncCount, content: () => <SyncTable filters={{ destination: metadata.slug }} /> },
    { value: 'alerts', label: 'Alerts', content: () => <DefaultsTab key={metadata.revision} destination={destination} /> },
    { value: 'lineage', label: 'Lineage', content: () => <LineageTab of={{ kind: 'destination', slug: metadata.slug }} /> },
    ...(info?.audiences
      ? [{ value: 'audience-sizes', label: 'Audience sizes', content: () => <AudienceSizesTab destination={destination} /> }]
      : []),
    { value: 'activity', label: 'Activity', content: () => <ActivityTab kind="destinations" slug={metadata.slug} /> },
  ]
  return (
    <Page
      title={metadata.name}
      icon={<ConnectorIcon type={spec.type} size={32} />}
      crumbs={[{ label: 'Destinations', to: '/destinations' }]}
      meta={
        <>
          <span>{info?.name ?? spec.type}</span>
          <Meta metadata={metadata} />
        </>
      }
      actions={
        <>
          <LinkButton to="/syncs/new" search={{ destination: metadata.slug }} leftSection={<IconPlus size={16} />}>
            Add sync
          </LinkButton>
          <DocumentMenu kind="destinations" document={destination} />
        </>
      }
    >
      {spec.description && <p>{spec.description}</p>}
      <PageTabs label="Destination" tabs={tabs} value={tab} onChange={(next) => void navigate({ search: { tab: next }, replace: true })} />
    </Page>
  )
}
