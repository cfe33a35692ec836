import { LinkButton } from '~/components/page/LinkButton'
import { Menu } from '@mantine/core'
import { IconColumns3, IconCopy, IconEdit, IconPlus, IconTable } from '@tabler/icons-react'
import { getRouteApi, Link } from '@tanstack/react-router'
import { Page } from '~/components/page/Page'
import { PageTabs } from '~/components/tabs/PageTabs'
import { ActivityTab } from '~/features/document/ActivityTab'
import { DocumentGate } from '~/features/document/DocumentGate'
import { DocumentMenu } from '~/features/document/DocumentMenu'
import { Meta } from '~/features/document/Meta'
import { LineageTab } from '~/features/lineage/LineageTab'
import { ColumnsTab } from '~/features/model/ColumnsTab'
import { ModelQuery } from '~/features/model/ModelQuery'
import { RowsTab } from '~/features/model/RowsTab'
import { SyncTable } from '~/features/sync/SyncTable'
import type { Model } from '~/services/types'

const route = getRouteApi('/app/models/$slug')

export default function ModelPage() {
  const { slug } = route.useParams()
  return (
    <DocumentGate key={slug} kind="models" slug={slug}>
      {(model) => <ModelDetail model={model} />}
    </DocumentGate>
  )
}

/** One model: its query, its columns, a preview, the syncs that use it. */
function ModelDetail({ model }: { model: Model }) {
  const { metadata, spec, status } = model
  const { tab = 'query', filter } = route.useSearch()
  const navigate = route.useNavigate()
  const tabs = [
    { value: 'query', label: 'Query', content: () => <ModelQuery model={model} /> },
    { value: 'columns', label: 'Columns', count: spec.columns?.length, content: () => <ColumnsTab key={metadata.revision} model={model} /> },
    { value: 'preview', label: 'Preview', content: () => <RowsTab model={model} filter={filter} onFilter={(next) => void navigate({ search: { tab: 'preview', filter: next }, replace: true })} /> },
    { value: 'syncs', label: 'Syncs', count: status?.syncCount, content: () => <SyncTable filters={{ model: metadata.slug }} /> },
    { value: 'lineage', label: 'Lineage', content: () => <LineageTab of={{ kind: 'model', slug: metadata.slug }} /> },
    { value: 'activity', label: 'Activity', content: () => <ActivityTab kind="models" slug={metadata.slug} /> },
  ]
  return (
    <Page
      title={metadata.name}
      icon={<IconTable size={26} stroke={1.5} aria-hidden color="var(--accent)" style={{ flex: 'none' }} />}
      crumbs={[{ label: 'Models', to: '/models' }]}
      meta={
        <>
          <span>
            Reads from{' '}
            <Link to="/sources/$slug" params={{ slug: spec.source }}>
              {status?.source.name ?? spec.source}
            </Link>
          </span>
          {status.drift !== null && (
            <Link to="/models/$slug" params={{ slug: metadata.slug }} search={{ tab: 'columns' }} className="row" style={{ gap: 4 }}>
              <IconColumns3 size={14} aria-hidden />
              Columns changed in the source
            </Link>
          )}
          <Meta metadata={metadata} />
        </>
      }
      actions={
        <>
          <LinkButton variant="default" to="/models/$slug/edit" params={{ slug: metadata.slug }} leftSection={<IconEdit size={16} />}>
            Edit
          </LinkButton>
          <LinkButton to="/syncs/new" search={{ model: metadata.slug }} leftSection={<IconPlus size={16} />}>
            Add sync
          </LinkButton>
          <DocumentMenu kind="models" document={model}>
            <Menu.Item leftSection={<IconCopy size={15} />} onClick={() => void navigate({ to: '/models/$slug/clone', params: { slug: metadata.slug } })}>
              Clone
            </Menu.Item>
          </DocumentMenu>
        </>
      }
    >
      {spec.description && <p>{spec.description}</p>}
      <PageTabs label="Model" tabs={tabs} value={tab} onChange={(next) => void navigate({ search: { tab: next }, replace: true })} />
    </Page>
  )
}

