import { IconPlus, IconSitemap } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { EmptyState } from '~/components/feedback/EmptyState'
import { LinkButton } from '~/components/page/LinkButton'
import { Page } from '~/components/page/Page'
import { LineagePanel } from '~/features/lineage/LineagePanel'

const route = getRouteApi('/app/lineage')

const empty = (
  <EmptyState
    icon={IconSitemap}
    title="Nothing flows yet"
    action={
      <LinkButton to="/sources/new" leftSection={<IconPlus size={16} />}>
        Add source
      </LinkButton>
    }
  >
    Sources, the models on them, the syncs that send their rows and the destinations that take them are drawn here.
  </EmptyState>
)

/** Where all rows of the workspace come from and go to. */
export default function LineagePage() {
  const look = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <Page title="Lineage" meta="Where rows come from, and where they go.">
      <LineagePanel look={look} onLook={(next) => void navigate({ search: next, replace: true })} empty={empty} />
    </Page>
  )
}
