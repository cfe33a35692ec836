import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { Page } from '~/components/page/Page'
import { typeOf } from '~/components/schedule/schedule'
import { SyncStateBadge } from '~/components/status/StatusBadge'
import { PageTabs } from '~/components/tabs/PageTabs'
import { DocumentGate } from '~/features/document/DocumentGate'
import { Meta } from '~/features/document/Meta'
import { LastSkip, ScheduleFact } from '~/features/document/ScheduleFact'
import { skipSince } from '~/features/document/skip'
import { RunError } from '~/features/run/RunError'
import { FlowLine } from '~/features/sync/FlowLine'
import { SyncActions } from '~/features/sync/SyncActions'
import { syncTabs } from '~/features/sync/tabs'
import { modeWords } from '~/features/sync/words'
import { TestRowDrawer } from '~/features/test/TestRowDrawer'
import { destinationCatalogQuery } from '~/services/catalog'
import { ApiError } from '~/services/http'
import type { Sync } from '~/services/types'

const route = getRouteApi('/app/syncs/$slug')

export default function SyncPage() {
  const { slug } = route.useParams()
  return (
    <DocumentGate key={slug} kind="syncs" slug={slug}>
      {(sync) => <SyncDetail sync={sync} />}
    </DocumentGate>
  )
}

const lostPermission = { code: 'destination.authorization_lost', suggestion: 'Open the destination and allow the access again.' }

/** The mode, where the type of the sync has more than one (SY-06). */
function ModeFact({ sync: { spec, status } }: { sync: Sync }) {
  const catalog = useQuery(destinationCatalogQuery)
  const info = catalog.data?.find((entry) => entry.slug === status?.destination.type)
  const modes = info?.syncTypes?.find((type) => type.slug === spec.type)?.modes ?? []
  return modes.length > 1 ? <span>Mode: {modeWords[spec.mode]?.label ?? spec.mode}</span> : null
}

/** One sync: its runs, what it does, when it runs, who changed it (SY-04 to SY-07). */
function SyncDetail({ sync }: { sync: Sync }) {
  const { metadata, spec, status } = sync
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const failed = status?.state === 'failed' ? status.lastRun?.error : null
  const suspended = failed || spec.disabled || typeOf(spec.schedule) === 'manual' ? null : status?.suspended
  const onSearch = (change: typeof search) => void navigate({ search: { ...search, ...change }, replace: true })
  const tabs = syncTabs.map((tab) => ({ ...tab, count: tab.count?.(sync), content: () => tab.content({ sync, search, onSearch }) }))
  return (
    <Page
      title={metadata.name}
      aside={<SyncStateBadge state={status?.state} />}
      crumbs={[{ label: 'Syncs', to: '/syncs' }]}
      meta={
        <>
          <FlowLine sync={sync} />
          <ModeFact sync={sync} />
          <ScheduleFact schedule={spec.schedule} disabled={spec.disabled} status={status} />
          <Meta metadata={metadata} idLabel="Sync ID" />
        </>
      }
      actions={<SyncActions sync={sync} />}
    >
      {spec.description && <p>{spec.description}</p>}
      <LastSkip skip={skipSince(status)} />
      {failed && <RunError error={failed} title="The last run failed" model={spec.model} />}
      {suspended && <ErrorCard error={new ApiError(422, { ...lostPermission, message: suspended })} title="The schedule does not start this sync" />}
      <PageTabs label="Sync" tabs={tabs} value={search.tab ?? 'runs'} onChange={(next) => void navigate({ search: { tab: next }, replace: true })} />
      <TestRowDrawer
        sync={sync}
        opened={search.test === 'row'}
        rowKey={search.key}
        onClose={() => onSearch({ test: undefined, key: undefined })}
      />
    </Page>
  )
}
