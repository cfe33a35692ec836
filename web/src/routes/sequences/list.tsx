import { IconListNumbers, IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { EmptyState } from '~/components/feedback/EmptyState'
import { LinkButton } from '~/components/page/LinkButton'
import { Page } from '~/components/page/Page'
import { sequenceStates } from '~/components/status/states'
import { DocumentList, type Filter } from '~/components/table/DocumentList'
import { sequenceColumns } from '~/features/sequence/columns'
import { foldersQuery } from '~/services/documents'

const route = getRouteApi('/app/sequences')

const addSequence = (
  <LinkButton to="/sequences/new" leftSection={<IconPlus size={16} />}>
    Add sequence
  </LinkButton>
)

const statusFilter: Filter = {
  name: 'status',
  label: 'All statuses',
  options: Object.entries(sequenceStates).map(([value, { label }]) => ({ value, label })),
}

/** All sequences of the workspace. */
export default function SequencesPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const folders = useQuery(foldersQuery)
  const paths = (folders.data?.items ?? []).map(({ path }) => ({ value: path, label: path }))
  const folderFilter: Filter[] = paths.length === 0 ? [] : [{ name: 'folder', label: 'All folders', options: paths }]
  return (
    <Page title="Sequences" meta="Syncs that run in an order, each after the one before it." actions={addSequence}>
      <DocumentList
        kind="sequences"
        noun="sequences"
        columns={sequenceColumns}
        filters={[statusFilter, ...folderFilter]}
        search={search}
        onSearch={(next) => void navigate({ search: next, replace: true })}
        empty={
          <EmptyState icon={IconListNumbers} title="Create your first sequence" action={addSequence}>
            A sequence runs syncs one after another, for example contacts before the accounts that refer to them, and stops where going on would do harm.
          </EmptyState>
        }
      />
    </Page>
  )
}
