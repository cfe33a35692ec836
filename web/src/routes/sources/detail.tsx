import { Badge } from '@mantine/core'
import { LinkButton } from '~/components/page/LinkButton'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ConnectorIcon } from '~/components/brand/ConnectorIcon'
import { Page } from '~/components/page/Page'
import { PageTabs } from '~/components/tabs/PageTabs'
import { ConfigurationTab } from '~/features/connection/ConfigurationTab'
import { ProjectsTab } from '~/features/dbt/ProjectsTab'
import { ActivityTab } from '~/features/document/ActivityTab'
import { DocumentGate } from '~/features/document/DocumentGate'
import { DocumentMenu } from '~/features/document/DocumentMenu'
import { Meta } from '~/features/document/Meta'
import { LineageTab } from '~/features/lineage/LineageTab'
import { SourceModels } from '~/features/source/SourceModels'
import { SyncLogsOfSource } from '~/features/synclog/SyncLogsTab'
import { TablesBrowser } from '~/features/source/TablesBrowser'
import { sourceCatalogQuery } from '~/services/catalog'
import type { Source } from '~/services/types'

const route = getRouteApi('/app/sources/$slug')

export default function SourcePage() {
  const { slug } = route.useParams()
  return (
    <DocumentGate key={slug} kind="sources" slug={slug}>
      {(source) => <SourceDetail source={source} />}
    </DocumentGate>
  )
}

/** One source: its configuration, its tables, the models on it. */
function SourceDetail({ source }: { source: Source }) {
  const { metadata, spec, status } = source
  const { tab = 'configuration' } = route.useSearch()
  const navigate = route.useNavigate()
  const catalog = useQuery(sourceCatalogQuery)
  const info = catalog.data?.find((entry) => entry.slug === spec.type)
  const tabs = [
    {
      value: 'configuration',
      label: 'Configuration',
      content: () => <ConfigurationTab kind="sources" document={source} fields={info?.fields ?? []} sample={status?.sample === true} />,
    },
    { value: 'tables', label: 'Tables', content: () => <TablesBrowser slug={metadata.slug} /> },
    { value: 'models', label: 'Models', count: status?.modelCount, content: () => <SourceModels slug={metadata.slug} /> },
    ...(info?.methods?.includes('dbt') === true ? [{ value: 'dbt', label: 'dbt', content: () => <ProjectsTab source={metadata.slug} /> }] : []),
    { value: 'sync-logs', label: 'Sync logs', content: () => <SyncLogsOfSource key={metadata.revision} source={source} /> },
    { value: 'lineage', label: 'Lineage', content: () => <LineageTab of={{ kind: 'source', slug: metadata.slug }} /> },
    { value: 'activity', label: 'Activity', content: () => <ActivityTab kind="sources" slug={metadata.slug} /> },
  ]
  return (
    <Page
      title={metadata.name}
      icon={<ConnectorIcon type={spec.type} size={32} />}
      aside={status?.sample ? <Badge>Sample</Badge> : undefined}
      crumbs={[{ label: 'Sources', to: '/sources' }]}
      meta={
        <>
          <span>{info?.name ?? spec.type}</span>
          <Meta metadata={metadata} />
        </>
      }
      actions={
        <>
          <LinkButton to="/models/new" search={{ source: metadata.slug }} leftSection={<IconPlus size={16} />}>
            Add model
          </LinkButton>
          <DocumentMenu kind="sources" document={source} />
        </>
      }
    >
      {spec.description && <p>{spec.description}</p>}
      <PageTabs label="Source" tabs={tabs} value={tab} onChange={(next) => void navigate({ search: { tab: next }, replace: true })} />
    </Page>
  )
}
