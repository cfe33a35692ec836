import { IconBell, IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { EmptyState } from '~/components/feedback/EmptyState'
import { LinkButton } from '~/components/page/LinkButton'
import { DocumentList } from '~/components/table/DocumentList'
import { channelColumns } from '~/features/alert/channels'
import { channelCatalogQuery } from '~/services/catalog'

const route = getRouteApi('/app/settings/alerts')

/** The channels by which people are told (SY-63). */
export default function AlertChannelsSettings() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const types = useQuery(channelCatalogQuery)
  const add = (
    <LinkButton to="/settings/alerts/new" size="xs" leftSection={<IconPlus size={14} />}>
      Add channel
    </LinkButton>
  )
  return (
    <>
      <div className="row spread">
        <p className="muted">Who is told when a sync is in trouble. Destinations and syncs choose among these.</p>
        {add}
      </div>
      <DocumentList
        kind="alert-channels"
        noun="alert channels"
        columns={channelColumns(types.data ?? [])}
        filters={[{ name: 'type', label: 'All types', options: (types.data ?? []).map(({ slug, name }) => ({ value: slug, label: name })) }]}
        search={search}
        onSearch={(next) => void navigate({ search: next, replace: true })}
        empty={
          <EmptyState icon={IconBell} title="Add your first alert channel" action={add}>
            An email address, a Slack channel, a PagerDuty service, a telephone or a webhook. Without one, alerts show in the web app only.
          </EmptyState>
        }
      />
    </>
  )
}
