import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ConnectorIcon } from '~/components/brand/ConnectorIcon'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone } from '~/components/feedback/toast'
import { Page } from '~/components/page/Page'
import { Steps } from '~/components/wizard/Wizard'
import { Catalog } from '~/features/connection/Catalog'
import { ConnectionSetup, UnknownType, type NewConnection } from '~/features/connection/ConnectionSetup'
import { destinationCatalogQuery } from '~/services/catalog'
import { rememberTest } from '~/services/connections'
import { createDocument } from '~/services/documents'
import type { DestinationInfo } from '~/services/types'

const route = getRouteApi('/app/destinations/new')
const crumbs = [{ label: 'Destinations', to: '/destinations' as const }]

/** Choose a kind of destination, connect it, name it. */
export default function NewDestinationPage() {
  const { type } = route.useSearch()
  const navigate = route.useNavigate()
  const catalog = useQuery(destinationCatalogQuery)
  const info = catalog.data?.find((entry) => entry.slug === type)
  const choose = (slug?: string) => void navigate({ search: slug === undefined ? {} : { type: slug } })
  return (
    <Page
      title={info === undefined ? 'Add destination' : `Connect ${info.name}`}
      crumbs={crumbs}
      width={info === undefined ? 'wide' : 'narrow'}
      icon={info === undefined ? undefined : <ConnectorIcon type={info.slug} category={info.category} />}
    >
      {catalog.isPending && <LoadingRows />}
      {catalog.isError && <ErrorCard error={catalog.error} onRetry={() => void catalog.refetch()} />}
      {catalog.isSuccess && type === undefined && (
        <>
          <Steps steps={['Choose destination', 'Configure and test', 'Finalize']} current={0} />
          <Catalog entries={catalog.data} label="Search destinations" onChoose={choose} />
        </>
      )}
      {catalog.isSuccess && type !== undefined && info === undefined && <UnknownType slug={type} onBack={choose} />}
      {info !== undefined && <Setup key={info.slug} info={info} onBack={choose} />}
    </Page>
  )
}

function Setup({ info, onBack }: { info: DestinationInfo; onBack: () => void }) {
  const navigate = route.useNavigate()
  const client = useQueryClient()
  const create = async ({ name, description, configuration, tunnel }: NewConnection) => {
    const destination = await createDocument('destinations', {
      metadata: { name },
      spec: { type: info.slug, configuration, description, tunnel },
    })
    await client.invalidateQueries({ queryKey: ['destinations'] })
    void rememberTest(client, 'destinations', destination)
    saidDone(`${name} is connected.`)
    await navigate({ to: '/destinations/$slug', params: { slug: destination.metadata.slug } })
  }
  const intro = <p className="muted">{info.summary}</p>
  return <ConnectionSetup kind="destinations" noun="destination" info={info} intro={intro} onBack={onBack} create={create} />
}
