import { IconBrandAws, IconBrandAzure, IconBrandGoogle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone } from '~/components/feedback/toast'
import { Card } from '~/components/page/Card'
import { SectionHead } from '~/components/page/SectionHead'
import { ChoiceCard, ChoiceGrid } from '~/components/wizard/ChoiceCard'
import { CredentialForm } from '~/features/network/CredentialForm'
import { createCredential, credentialCatalogQuery } from '~/services/network'

const route = getRouteApi('/app/settings/credentials/new')

const icons: Record<string, typeof IconBrandAws> = { aws: IconBrandAws, gcp: IconBrandGoogle, azure: IconBrandAzure }

/** Choose a provider and describe what it asks for. */
export default function NewCredential() {
  const { type } = route.useSearch()
  const navigate = route.useNavigate()
  const catalog = useQuery(credentialCatalogQuery)
  const chosen = catalog.data?.find(({ slug }) => slug === type)
  return (
    <>
      <SectionHead back={{ label: 'Credentials', to: '/settings/credentials' }} title="Add credential" />
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
        <CredentialForm
          key={chosen.slug}
          type={chosen}
          save={({ name, description, configuration }) => createCredential({ metadata: { name }, spec: { type: chosen.slug, configuration, description } })}
          onSaved={({ metadata }) => {
            saidDone(`${metadata.name} is saved.`)
            void navigate({ to: '/settings/credentials' })
          }}
        />
      )}
    </>
  )
}
