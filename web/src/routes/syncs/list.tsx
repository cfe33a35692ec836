import { LinkButton } from '~/components/page/LinkButton'
import { IconPlus, IconRefresh } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { EmptyState } from '~/components/feedback/EmptyState'
import { Page } from '~/components/page/Page'
import { syncStates } from '~/components/status/states'
import { syncColumns } from '~/features/sync/columns'
import { useChoices } from '~/features/list/useChoices'
import { ResourceList, type ListFilter } from '~/features/list/ResourceList'

const route = getRouteApi('/app/syncs')

const addSync = (
  <LinkButton to="/syncs/new" leftSection={<IconPlus size={16} />}>
    Add sync
  </LinkButton>
)

const statusFilter: ListFilter = {
  name: 'status',
  label: 'Status',
  choices: Object.entries(syncStates).map(([value, { label }]) => ({ value, label })),
}

const alertFilter: ListFilter = {
  name: 'alerts',
  label: 'Health',
  single: true,
  choices: [
    { value: 'none', label: 'Healthy: no alerts' },
    { value: 'any', label: 'Any alert' },
    { value: 'warning', label: 'Warnings' },
    { value: 'critical', label: 'Critical alerts' },
  ],
}

/** All syncs of the workspace, active and disabled (SY-02). */
export default function SyncsPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const filters: ListFilter[] = [
    statusFilter,
    alertFilter,
    { name: 'destination', label: 'Destination', choices: useChoices('destinations') },
    { name: 'source', label: 'Source', choices: useChoices('sources') },
  ]
  return (
    <Page title="Syncs" meta="Which rows go where, and when." actions={addSync}>
      <ResourceList
        kind="syncs"
        one="sync"
        columns={syncColumns}
        filters={filters}
        search={search}
        onSearch={(next) => void navigate({ search: next, replace: true })}
        empty={
          <EmptyState icon={IconRefresh} title="Create your first sync" action={addSync}>
            A sync keeps a destination in step with a model: it sends the rows that were added, changed or removed since the last run.
          </EmptyState>
        }
      />
    </Page>
  )
}
