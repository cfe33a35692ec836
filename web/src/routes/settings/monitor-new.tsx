import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone } from '~/components/feedback/toast'
import { SectionHead } from '~/components/page/SectionHead'
import { MonitorForm, type MonitorDraft } from '~/features/monitor/MonitorForm'
import { monitorCatalogQuery } from '~/services/catalog'
import { createDocument } from '~/services/documents'

const route = getRouteApi('/app/settings/monitors/new')

/** A new monitor. */
export default function NewMonitor() {
  const navigate = route.useNavigate()
  const client = useQueryClient()
  const types = useQuery(monitorCatalogQuery)
  const create = useMutation({
    mutationFn: ({ name, spec }: MonitorDraft) => createDocument('monitors', { metadata: { name }, spec }),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: ['monitors'] })
      saidDone(`${made.metadata.name} is added. The next run that ends is reported.`)
      await navigate({ to: '/settings/monitors' })
    },
  })
  if (types.isPending) return <LoadingRows />
  if (types.isError) return <ErrorCard error={types.error} onRetry={() => void types.refetch()} />
  const [info] = types.data
  if (info === undefined) return null
  return (
    <>
      <SectionHead back={{ label: 'Monitors', to: '/settings/monitors' }} title="Add monitor" />
      <MonitorForm
        info={info}
        value={{ name: '', spec: { type: info.slug, configuration: {} } }}
        saving={create.isPending}
        saved={create.isSuccess}
        error={create.error}
        onSave={(draft) => create.mutate(draft)}
      />
    </>
  )
}
