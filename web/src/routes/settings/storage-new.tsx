import { IconBrandAws, IconBrandAzure, IconBrandGoogle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone } from '~/components/feedback/toast'
import { Card } from '~/components/page/Card'
import { SectionHead } from '~/components/page/SectionHead'
import { ChoiceCard, ChoiceGrid } from '~/components/wizard/ChoiceCard'
import { StorageForm } from '~/features/storage/StorageForm'
import { createStorage, storageCatalogQuery } from '~/services/storage'

const route = getRouteApi('/app/settings/storage/new')

const icons: Record<string, typeof IconBrandAws> = { s3: IconBrandAws, gcs: IconBrandGoogle, azure: IconBrandAzure }

/** Choose a provider and describe a bucket. Nothing moves there before somebody says so. */
export default function NewStorage() {
  const { type } = route.useSearch()
  const navigate = route.useNavigate()
  const catalog = useQuery(storageCatalogQuery)
  const chosen = catalog.data?.find(({ slug }) => slug === type)
  return (
    <>
      <SectionHead back={{ label: 'Storage', to: '/settings/storage' }} title="Add storage" />
      <Card title="Provider">
        {catalog.isPending && <LoadingRows rows={2} />}
        {catalog.isError && <ErrorCard error={catalog.error} onRetry={() => void catalog.refetch()} />}
        {catalog.isSuccess && (
          <ChoiceGrid label="Provider">
            {catalog.data.map(({ slug, name, summary }) => {
              const Icon = icons[slug]
              return (
                <ChoiceCard
                  key={slug}
                  icon={Icon === undefined ? undefined : <Icon size={26} stroke={1.5} aria-hidden />}
                  title={name}
                  text={summary}
                  selected={slug === type}
                  onClick={() => void navigate({ search: { type: slug }, replace: type !== undefined })}
                />
              )
            })}
          </ChoiceGrid>
        )}
      </Card>
      {chosen !== undefined && (
        <StorageForm
          key={chosen.slug}
          type={chosen}
          title="Bucket"
          save={({ name, description, configuration }) => createStorage({ metadata: { name }, spec: { type: chosen.slug, configuration, description } })}
          onSaved={({ metadata }) => {
            saidDone(`${metadata.name} is saved. Choose “Use it” to move the workspace there.`)
            void navigate({ to: '/settings/storage' })
          }}
        />
      )}
    </>
  )
}
