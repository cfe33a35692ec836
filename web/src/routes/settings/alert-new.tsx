import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone } from '~/components/feedback/toast'
import { Card } from '~/components/page/Card'
import { LinkButton } from '~/components/page/LinkButton'
import { SectionHead } from '~/components/page/SectionHead'
import { ChoiceCard, ChoiceGrid } from '~/components/wizard/ChoiceCard'
import { ChannelForm } from '~/features/alert/ChannelForm'
import { ChannelIcon } from '~/features/alert/channels'
import { channelCatalogQuery } from '~/services/catalog'
import { createDocument } from '~/services/documents'

const route = getRouteApi('/app/settings/alerts/new')

const back = { label: 'Alert channels', to: '/settings/alerts' } as const

/** A new alert channel: its type first, then its settings. */
export default function NewAlertChannel() {
  const { type } = route.useSearch()
  const navigate = route.useNavigate()
  const client = useQueryClient()
  const types = useQuery(channelCatalogQuery)
  const create = useMutation({
    mutationFn: createChannel,
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: ['alert-channels'] })
      saidDone(`${made.metadata.name} is added. Choose it as a recipient of a destination or a sync.`)
      await navigate({ to: '/settings/alerts' })
    },
  })
  if (types.isPending) return <LoadingRows />
  if (types.isError) return <ErrorCard error={types.error} onRetry={() => void types.refetch()} />
  const info = types.data.find(({ slug }) => slug === type)
  if (info === undefined) {
    return (
      <>
        <SectionHead back={back} title="Add alert channel" />
        <Card title="Choose a type of channel">
          <ChoiceGrid label="Types of channels">
            {types.data.map(({ slug, name, summary }) => (
              <ChoiceCard key={slug} icon={<ChannelIcon type={slug} size={24} />} title={name} text={summary} onClick={() => void navigate({ search: { type: slug } })} />
            ))}
          </ChoiceGrid>
        </Card>
      </>
    )
  }
  return (
    <>
      <SectionHead
        back={back}
        title="Add alert channel"
        icon={<ChannelIcon type={info.slug} />}
        actions={
          <LinkButton to="/settings/alerts/new" search={{}} variant="default" size="xs">
            Another type
          </LinkButton>
        }
      />
      <ChannelForm
        key={info.slug}
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

const createChannel = ({ name, spec }: Parameters<React.ComponentProps<typeof ChannelForm>['onSave']>[0]) =>
  createDocument('alert-channels', { metadata: { name }, spec })
