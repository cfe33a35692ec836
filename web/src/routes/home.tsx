import { useQuery } from '@tanstack/react-query'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingPage } from '~/components/feedback/Loading'
import { Page } from '~/components/page/Page'
import { Attention } from '~/features/home/Attention'
import { DayHistory } from '~/features/home/DayHistory'
import { FirstSteps, underWay } from '~/features/home/FirstSteps'
import { HealthLine } from '~/features/home/HealthLine'
import { RecentRuns } from '~/features/home/RecentRuns'
import { useOverview } from '~/features/home/useOverview'
import { allQuery } from '~/services/documents'
import { sessionQuery } from '~/services/session'
import { storageQuery } from '~/services/storage'

/** How everything is doing, and what to do first. */
export default function HomePage() {
  const { data: session } = useQuery(sessionQuery)
  const sources = useQuery(allQuery('sources', { limit: 1 }))
  const models = useQuery(allQuery('models', { limit: 1 }))
  const destinations = useQuery(allQuery('destinations', { limit: 1 }))
  const channels = useQuery(allQuery('alert-channels', { limit: 1 }))
  const storage = useQuery(storageQuery)
  const overview = useOverview()
  const failed = overview.error ?? sources.error ?? models.error ?? destinations.error
  const title = session?.workspace.name ?? 'Home'
  if (failed !== null) {
    return (
      <Page title={title}>
        <ErrorCard error={failed} title="Home could not be loaded" onRetry={overview.refetch} />
      </Page>
    )
  }
  if (!sources.data || !models.data || !destinations.data || !overview.data) {
    return (
      <Page title={title}>
        <LoadingPage />
      </Page>
    )
  }
  const { health, recent, troubled } = overview.data
  const syncs = health.healthy + health.busy + health.attention + health.idle
  const done = {
    source: sources.data.total > 0,
    model: models.data.total > 0,
    destination: destinations.data.total > 0,
    sync: syncs > 0,
    run: health.healthy > 0 || recent.some(({ status }) => status?.lastRun?.status === 'success' || status?.lastRun?.status === 'warning'),
    alerts: channels.data !== undefined && channels.data.total > 0,
    storage: storage.data?.current.slug !== undefined,
  }
  return (
    <Page title={title} meta="How your data is flowing.">
      {!underWay(done) && <FirstSteps done={done} />}
      {syncs > 0 && (
        <>
          <HealthLine health={health} />
          <Attention syncs={troubled} />
          {recent.some(({ status }) => status?.lastRun) && <DayHistory />}
          <RecentRuns syncs={recent} />
        </>
      )}
    </Page>
  )
}
