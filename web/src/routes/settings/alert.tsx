import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone } from '~/components/feedback/toast'
import { Card } from '~/components/page/Card'
import { SectionHead } from '~/components/page/SectionHead'
import { ChannelForm, type ChannelDraft } from '~/features/alert/ChannelForm'
import { ChannelIcon } from '~/features/alert/channels'
import { DocumentMenu } from '~/features/document/DocumentMenu'
import { NotFoundPage } from '~/routes/not-found'
import { channelCatalogQuery } from '~/services/catalog'
import { documentQuery, draftOf, referencesQuery, updateDocument } from '~/services/documents'
import { ApiError } from '~/services/http'
import type { AlertChannel } from '~/services/types'

const route = getRouteApi('/app/settings/alerts/$slug')

/** One alert channel: its settings, and who uses it. */
export default function AlertChannelSettings() {
  const { slug } = route.useParams()
  const channel = useQuery(documentQuery('alert-channels', slug))
  if (channel.error instanceof ApiError && channel.error.status === 404) return <NotFoundPage />
  if (channel.isError) return <ErrorCard error={channel.error} onRetry={() => void channel.refetch()} />
  if (channel.isPending) return <LoadingRows />
  return <EditChannel key={channel.data.metadata.revision} channel={channel.data} />
}

function EditChannel({ channel }: { channel: AlertChannel }) {
  const { metadata, spec } = channel
  const client = useQueryClient()
  const types = useQuery(channelCatalogQuery)
  const info = types.data?.find((type) => type.slug === spec.type)
  const save = useMutation({
    mutationFn: ({ name, spec: next }: ChannelDraft) => {
      const draft = draftOf<'alert-channels'>(channel, next)
      draft.metadata.name = name
      return updateDocument('alert-channels', metadata.slug, draft)
    },
    onSuccess: async (saved) => {
      client.setQueryData(['alert-channels', 'one', metadata.slug], saved)
      await client.invalidateQueries({ queryKey: ['alert-channels'] })
      saidDone(`${saved.metadata.name} is saved.`)
    },
  })
  return (
    <>
      <SectionHead
        back={{ label: 'Alert channels', to: '/settings/alerts' }}
        title={metadata.name}
        icon={<ChannelIcon type={spec.type} />}
        actions={<DocumentMenu kind="alert-channels" document={channel} />}
      />
      {types.isPending && <LoadingRows />}
      {info !== undefined && (
        <ChannelForm
          info={info}
          value={{ name: metadata.name, spec }}
          slug={metadata.slug}
          saving={save.isPending}
          saved={save.isSuccess}
          error={save.error}
          onSave={(draft) => save.mutate(draft)}
        />
      )}
      <UsedBy slug={metadata.slug} />
    </>
  )
}

function UsedBy({ slug }: { slug: string }) {
  const references = useQuery(referencesQuery('alert-channels', slug))
  const items = references.data?.items ?? []
  return (
    <Card title="Used by">
      {references.isPending && <LoadingRows rows={2} />}
      {references.isError && <ErrorCard error={references.error} onRetry={() => void references.refetch()} />}
      {references.isSuccess && items.length === 0 && (
        <p className="muted">Nobody yet. Choose it in the Alerts tab of a destination or of a sync.</p>
      )}
      {items.map(({ kind, slug: user, name }) => (
        <p key={`${kind} ${user}`}>
          <Link to={kind === 'destination' ? '/destinations/$slug' : '/syncs/$slug'} params={{ slug: user }} search={{ tab: 'alerts' }}>
            {name}
          </Link>{' '}
          <span className="muted small">{kind}</span>
        </p>
      ))}
    </Card>
  )
}
