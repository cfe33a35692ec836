import { LinkButton } from '~/components/page/LinkButton'
import { IconPlus, IconRefresh } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { EmptyState } from '~/components/feedback/EmptyState'
import { Page } from '~/components/page/Page'
import { syncStates } from '~/components/status/states'
import { DocumentList, type Filter } from '~/components/table/DocumentList'
import { syncColumns } from '~/features/sync/columns'
import { foldersQuery } from '~/services/documents'

const route = getRouteApi('/app/syncs')

const addSync = (
  <LinkButton to="/syncs/new" leftSection={<IconPlus size={16} />}>
    Add sync
  </LinkButton>
)

const statusFilter: Filter = {
  name: 'status',
  label: 'All statuses',
  options: Object.entries(syncStates).map(([value, { label }]) => ({ value, label })),
}

const alertFilter: Filter = {
  name: 'alerts',
  label: 'All alerts',
  options: [
    { value: 'any', label: 'Any alert' },
    { value: 'critical', label: 'Critical' },
    { value: 'warning', label: 'Warning' },
    { value: 'none', label: 'No alerts' },
  ],
}

/** All syncs of the workspace, active and disabled (SY-02). */
export default function SyncsPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const folders = useQuery(foldersQuery)
  const paths = (folders.data?.items ?? []).map(({ path }) => ({ value: path, label: path }))
  const folderFilter: Filter[] = paths.length === 0 ? [] : [{ name: 'folder', label: 'All folders', options: paths }]
  return (
    <Page title="Syncs" meta="Which rows go where, and when." actions={addSync}>
      <DocumentList
        kind="syncs"
        noun="syncs"
        columns={syncColumns}
        filters={[statusFilter, alertFilter, ...folderFilter]}
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
