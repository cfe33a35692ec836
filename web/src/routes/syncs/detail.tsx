import { getRouteApi } from '@tanstack/react-router'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { Page } from '~/components/page/Page'
import { SyncStateBadge } from '~/components/status/StatusBadge'
import { PageTabs } from '~/components/tabs/PageTabs'
import { AlertsTab } from '~/features/alert/AlertsTab'
import { ActivityTab } from '~/features/document/ActivityTab'
import { DocumentGate } from '~/features/document/DocumentGate'
import { Meta } from '~/features/document/Meta'
import { LastSkip, ScheduleFact } from '~/features/document/ScheduleFact'
import { skipSince } from '~/features/document/skip'
import { ConfigurationTab } from '~/features/sync/ConfigurationTab'
import { FlowLine } from '~/features/sync/FlowLine'
import { RunsTab } from '~/features/sync/RunsTab'
import { ScheduleTab } from '~/features/sync/ScheduleTab'
import { SyncActions } from '~/features/sync/SyncActions'
import { modeWords } from '~/features/sync/words'
import { ApiError } from '~/services/http'
import type { WantedRuns } from '~/services/syncs'
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

/** One sync: its runs, what it does, when it runs, who changed it (SY-04 to SY-07). */
function SyncDetail({ sync }: { sync: Sync }) {
  const { metadata, spec, status } = sync
  const { tab = 'runs', runs = 'all' } = route.useSearch()
  const navigate = route.useNavigate()
  const want = (wanted: WantedRuns) => void navigate({ search: { tab: 'runs', ...(wanted === 'all' ? {} : { runs: wanted }) }, replace: true })
  const failed = status?.state === 'failed' ? status.lastRun?.error : null
  const tabs = [
    { value: 'runs', label: 'Runs', content: () => <RunsTab slug={metadata.slug} wanted={runs} onWant={want} /> },
    { value: 'configuration', label: 'Configuration', content: () => <ConfigurationTab sync={sync} /> },
    { value: 'schedule', label: 'Schedule', content: () => <ScheduleTab key={metadata.revision} sync={sync} /> },
    { value: 'alerts', label: 'Alerts', count: status?.alerts.active || undefined, content: () => <AlertsTab sync={sync} /> },
    { value: 'activity', label: 'Activity', content: () => <ActivityTab kind="syncs" slug={metadata.slug} /> },
  ]
  return (
    <Page
      title={metadata.name}
      aside={<SyncStateBadge state={status?.state} />}
      crumbs={[{ label: 'Syncs', to: '/syncs' }]}
      meta={
        <>
          <FlowLine sync={sync} />
          <span>{modeWords[spec.mode]?.label ?? spec.mode}</span>
          <ScheduleFact schedule={spec.schedule} disabled={spec.disabled} status={status} />
          <Meta metadata={metadata} idLabel="Sync ID" />
        </>
      }
      actions={<SyncActions sync={sync} />}
    >
      {spec.description && <p>{spec.description}</p>}
      <LastSkip skip={skipSince(status)} />
      {failed && <ErrorCard error={new ApiError(422, failed)} title="The last run failed" />}
      <PageTabs label="Sync" tabs={tabs} value={tab} onChange={(next) => void navigate({ search: { tab: next }, replace: true })} />
    </Page>
  )
}
