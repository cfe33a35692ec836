import { Alert } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone } from '~/components/feedback/toast'
import { Card } from '~/components/page/Card'
import { SectionHead } from '~/components/page/SectionHead'
import { StorageForm } from '~/features/storage/StorageForm'
import { oneStorageQuery, storageCatalogQuery, updateStorage } from '~/services/storage'
import type { Storage } from '~/services/types'

const route = getRouteApi('/app/settings/storage/$slug')

/** A bucket's settings. */
export default function EditStorage() {
  const { slug } = route.useParams()
  const storage = useQuery(oneStorageQuery(slug))
  if (storage.data !== undefined) return <Edit key={storage.data.metadata.slug} storage={storage.data} />
  return <Card title={slug}>{storage.isError ? <ErrorCard error={storage.error} onRetry={() => void storage.refetch()} /> : <LoadingRows />}</Card>
}

function Edit({ storage }: { storage: Storage }) {
  const navigate = route.useNavigate()
  const catalog = useQuery(storageCatalogQuery)
  const { metadata, spec, status } = storage
  const type = catalog.data?.find(({ slug }) => slug === spec.type)
  if (type === undefined) return <Card title={metadata.name}>{catalog.isError ? <ErrorCard error={catalog.error} onRetry={() => void catalog.refetch()} /> : <LoadingRows />}</Card>
  return (
    <>
      <SectionHead back={{ label: 'Storage', to: '/settings/storage' }} title={metadata.name} />
      <StorageForm
        type={type}
        storage={storage}
        title="Bucket"
        notice={
          status.hasRun ? (
            <Alert>Syncs have run on this storage: its credentials can be changed, but it cannot become another bucket or prefix. To move, add a storage and switch to it.</Alert>
          ) : undefined
        }
        save={({ name, description, configuration }) =>
          updateStorage(metadata.slug, {
            metadata: { name, labels: metadata.labels, folder: metadata.folder, revision: metadata.revision },
            spec: { ...spec, configuration, description },
          })
        }
        onSaved={(saved) => {
          saidDone(`${saved.metadata.name} is saved.`)
          void navigate({ to: '/settings/storage' })
        }}
      />
    </>
  )
}
