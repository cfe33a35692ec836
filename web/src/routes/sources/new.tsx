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
import { sourceCatalogQuery } from '~/services/catalog'
import { rememberTest } from '~/services/connections'
import { createDocument } from '~/services/documents'
import type { SourceInfo } from '~/services/types'

const route = getRouteApi('/app/sources/new')
const crumbs = [{ label: 'Sources', to: '/sources' as const }]

/** Choose a kind of source, connect it, name it. */
export default function NewSourcePage() {
  const { type } = route.useSearch()
  const navigate = route.useNavigate()
  const catalog = useQuery(sourceCatalogQuery)
  const info = catalog.data?.find((entry) => entry.slug === type)
  const choose = (slug?: string) => void navigate({ search: slug === undefined ? {} : { type: slug } })
  return (
    <Page
      title={info === undefined ? 'Add source' : `Connect ${info.name}`}
      crumbs={crumbs}
      width={info === undefined ? 'wide' : 'narrow'}
      icon={info === undefined ? undefined : <ConnectorIcon type={info.slug} category={info.category} />}
    >
      {catalog.isPending && <LoadingRows />}
      {catalog.isError && <ErrorCard error={catalog.error} onRetry={() => void catalog.refetch()} />}
      {catalog.isSuccess && type === undefined && (
        <>
          <Steps steps={['Choose source', 'Configure and test', 'Finalize']} current={0} />
          <Catalog entries={catalog.data} label="Search sources" onChoose={choose} />
        </>
      )}
      {catalog.isSuccess && type !== undefined && info === undefined && <UnknownType slug={type} onBack={choose} />}
      {info !== undefined && <Setup key={info.slug} info={info} onBack={choose} />}
    </Page>
  )
}

function Setup({ info, onBack }: { info: SourceInfo; onBack: () => void }) {
  const navigate = route.useNavigate()
  const client = useQueryClient()
  const create = async ({ name, description, configuration, engine, tunnel }: NewConnection) => {
    const source = await createDocument('sources', {
      metadata: { name },
      spec: { type: info.slug, configuration, engine, description, tunnel },
    })
    await client.invalidateQueries({ queryKey: ['sources'] })
    if (!info.sample) void rememberTest(client, 'sources', source)
    saidDone(`${name} is connected.`)
    await navigate({ to: '/sources/$slug', params: { slug: source.metadata.slug } })
  }
  const intro = info.sample ? (
    <p className="muted">{info.summary} No credentials are needed, and its usage is not counted.</p>
  ) : (
    <p className="muted">{info.summary}</p>
  )
  return <ConnectionSetup kind="sources" noun="source" info={info} intro={intro} onBack={onBack} create={create} />
}
