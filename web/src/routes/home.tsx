import { useQuery } from '@tanstack/react-query'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingPage } from '~/components/feedback/Loading'
import { Page } from '~/components/page/Page'
import { Attention } from '~/features/home/Attention'
import { FirstSteps, underWay } from '~/features/home/FirstSteps'
import { HealthLine } from '~/features/home/HealthLine'
import { RecentRuns } from '~/features/home/RecentRuns'
import { allQuery } from '~/services/documents'
import { sessionQuery } from '~/services/session'
import { storageQuery } from '~/services/storage'

/** How everything is doing, and what to do first. */
export default function HomePage() {
  const { data: session } = useQuery(sessionQuery)
  const sources = useQuery(allQuery('sources'))
  const models = useQuery(allQuery('models'))
  const destinations = useQuery(allQuery('destinations'))
  const syncs = useQuery(allQuery('syncs'))
  const channels = useQuery(allQuery('alert-channels'))
  const storage = useQuery(storageQuery)
  const failed = syncs.error ?? sources.error ?? models.error ?? destinations.error
  const title = session?.workspace.name ?? 'Home'
  if (failed !== null) {
    return (
      <Page title={title}>
        <ErrorCard error={failed} title="Home could not be loaded" onRetry={() => void syncs.refetch()} />
      </Page>
    )
  }
  if (!sources.data || !models.data || !destinations.data || !syncs.data) {
    return (
      <Page title={title}>
        <LoadingPage />
      </Page>
    )
  }
  const list = syncs.data.items
  const ran = list.some((sync) => sync.status?.lastRun?.status === 'success' || sync.status?.lastRun?.status === 'warning')
  const done = {
    source: sources.data.total > 0,
    model: models.data.total > 0,
    destination: destinations.data.total > 0,
    sync: syncs.data.total > 0,
    run: ran,
    alerts: channels.data !== undefined && channels.data.total > 0,
    storage: storage.data?.current.slug !== undefined,
  }
  return (
    <Page title={title} meta="How your data is flowing.">
      {!underWay(done) && <FirstSteps done={done} />}
      {list.length > 0 && (
        <>
          <HealthLine syncs={list} />
          <Attention syncs={list} />
          <RecentRuns syncs={list} />
        </>
      )}
    </Page>
  )
}
