import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone } from '~/components/feedback/toast'
import { SectionHead } from '~/components/page/SectionHead'
import { DocumentMenu } from '~/features/document/DocumentMenu'
import { LastReport } from '~/features/monitor/columns'
import { MonitorForm, type MonitorDraft } from '~/features/monitor/MonitorForm'
import { NotFoundPage } from '~/routes/not-found'
import { monitorCatalogQuery } from '~/services/catalog'
import { documentQuery, draftOf, updateDocument } from '~/services/documents'
import { ApiError } from '~/services/http'
import type { Monitor } from '~/services/types'

const route = getRouteApi('/app/settings/monitors/$slug')

/** One monitor: its settings, and how its newest report fared. */
export default function MonitorSettings() {
  const { slug } = route.useParams()
  const monitor = useQuery(documentQuery('monitors', slug))
  if (monitor.error instanceof ApiError && monitor.error.status === 404) return <NotFoundPage />
  if (monitor.isError) return <ErrorCard error={monitor.error} onRetry={() => void monitor.refetch()} />
  if (monitor.isPending) return <LoadingRows />
  return <EditMonitor key={monitor.data.metadata.revision} monitor={monitor.data} />
}

function EditMonitor({ monitor }: { monitor: Monitor }) {
  const { metadata, spec } = monitor
  const client = useQueryClient()
  const types = useQuery(monitorCatalogQuery)
  const info = types.data?.find((type) => type.slug === spec.type)
  const save = useMutation({
    mutationFn: ({ name, spec: next }: MonitorDraft) => {
      const draft = draftOf<'monitors'>(monitor, next)
      draft.metadata.name = name
      return updateDocument('monitors', metadata.slug, draft)
    },
    onSuccess: async (saved) => {
      client.setQueryData(['monitors', 'one', metadata.slug], saved)
      await client.invalidateQueries({ queryKey: ['monitors'] })
      saidDone(`${saved.metadata.name} is saved.`)
    },
  })
  const error = monitor.status?.lastReport?.error
  return (
    <>
      <SectionHead
        back={{ label: 'Monitors', to: '/settings/monitors' }}
        title={metadata.name}
        actions={<DocumentMenu kind="monitors" document={monitor} />}
      />
      <p>
        <span className="muted">Last report:</span> <LastReport monitor={monitor} />
      </p>
      {error !== undefined && error !== '' && <ErrorCard error={new Error(error)} title="The last report was refused" />}
      {types.isPending && <LoadingRows />}
      {info !== undefined && (
        <MonitorForm
          info={info}
          value={{ name: metadata.name, spec }}
          slug={metadata.slug}
          saving={save.isPending}
          saved={save.isSuccess}
          error={save.error}
          onSave={(draft) => save.mutate(draft)}
        />
      )}
    </>
  )
}
