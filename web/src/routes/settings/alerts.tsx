import { IconBell, IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { EmptyState } from '~/components/feedback/EmptyState'
import { LinkButton } from '~/components/page/LinkButton'
import { ShortList } from '~/components/table/ShortList'
import { channelColumns } from '~/features/alert/channels'
import { channelCatalogQuery } from '~/services/catalog'
import { allQuery } from '~/services/documents'

const route = getRouteApi('/app/settings/alerts')

/** The channels by which people are told (SY-63). */
export default function AlertChannelsSettings() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const types = useQuery(channelCatalogQuery)
  const channels = useQuery({ ...allQuery('alert-channels'), select: ({ items }) => items })
  const add = (
    <LinkButton to="/settings/alerts/new" size="xs" leftSection={<IconPlus size={14} />}>
      Add channel
    </LinkButton>
  )
  return (
    <>
      <ShortList
        title="Alert channels"
        one="alert channel"
        many="alert channels"
        query={channels}
        columns={channelColumns(types.data ?? [])}
        rowKey={({ metadata }) => metadata.slug}
        types={{ choices: (types.data ?? []).map(({ slug, name }) => ({ value: slug, label: name })), of: ({ spec }) => spec.type }}
        search={search}
        onSearch={(next) => void navigate({ search: next, replace: true })}
        add={add}
        empty={
          <EmptyState icon={IconBell} title="Add your first alert channel" action={add}>
            An email address, a Slack channel, a PagerDuty service, a telephone or a webhook. Without one, alerts show in the web app only.
          </EmptyState>
        }
      />
      <p className="muted small">Who is told when a sync is in trouble. Destinations and syncs choose among these.</p>
    </>
  )
}
