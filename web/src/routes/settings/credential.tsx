import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone } from '~/components/feedback/toast'
import { Card } from '~/components/page/Card'
import { Facts } from '~/components/page/Facts'
import { SectionHead } from '~/components/page/SectionHead'
import { useRemove } from '~/features/document/useRemove'
import { CredentialForm } from '~/features/network/CredentialForm'
import { NotFoundPage } from '~/routes/not-found'
import { ApiError } from '~/services/http'
import { credentialCatalogQuery, credentialQuery, deleteCredential, updateCredential } from '~/services/network'
import type { Credential } from '~/services/types'

const route = getRouteApi('/app/settings/credentials/$slug')

/** A credential's settings. */
export default function EditCredential() {
  const { slug } = route.useParams()
  const credential = useQuery(credentialQuery(slug))
  if (credential.data !== undefined) return <Edit key={credential.data.metadata.slug} credential={credential.data} />
  if (credential.error instanceof ApiError && credential.error.status === 404) return <NotFoundPage />
  return <Card title={slug}>{credential.isError ? <ErrorCard error={credential.error} onRetry={() => void credential.refetch()} /> : <LoadingRows />}</Card>
}

function Edit({ credential }: { credential: Credential }) {
  const { metadata, spec, status } = credential
  const navigate = route.useNavigate()
  const catalog = useQuery(credentialCatalogQuery)
  const type = catalog.data?.find(({ slug }) => slug === spec.type)
  const remove = useRemove({
    noun: 'credential',
    queryKey: 'credentials',
    remove: deleteCredential,
    consequences: () => 'Its stored secrets are erased. At the provider nothing changes: revoke the key or role there as well. This cannot be undone.',
    onGone: () => void navigate({ to: '/settings/credentials' }),
  })
  return (
    <>
      <SectionHead
        back={{ label: 'Credentials', to: '/settings/credentials' }}
        title={metadata.name}
        actions={
          <Button size="xs" variant="default" onClick={() => void remove(credential)}>
            Delete
          </Button>
        }
      />
      {status.clientEmail !== undefined && (
        <Card title="Service account">
          <Facts
            facts={[
              { label: 'Client email', value: status.clientEmail },
              { label: 'Client ID', value: status.clientId },
              { label: 'Project', value: status.projectId },
            ]}
          />
        </Card>
      )}
      {catalog.isPending && <LoadingRows />}
      {catalog.isError && <ErrorCard error={catalog.error} onRetry={() => void catalog.refetch()} />}
      {type !== undefined && (
        <CredentialForm
          type={type}
          credential={credential}
          save={({ name, description, configuration }) =>
            updateCredential(metadata.slug, {
              metadata: { name, labels: metadata.labels, folder: metadata.folder, revision: metadata.revision },
              spec: { ...spec, configuration, description },
            })
          }
          onSaved={(saved) => {
            saidDone(`${saved.metadata.name} is saved.`)
            void navigate({ to: '/settings/credentials' })
          }}
        />
      )}
    </>
  )
}
