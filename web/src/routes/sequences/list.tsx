import { IconListNumbers, IconPlus } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { EmptyState } from '~/components/feedback/EmptyState'
import { LinkButton } from '~/components/page/LinkButton'
import { Page } from '~/components/page/Page'
import { sequenceStates } from '~/components/status/states'
import { sequenceColumns } from '~/features/sequence/columns'
import { ResourceList, type ListFilter } from '~/features/list/ResourceList'

const route = getRouteApi('/app/sequences')

const addSequence = (
  <LinkButton to="/sequences/new" leftSection={<IconPlus size={16} />}>
    Add sequence
  </LinkButton>
)

const statusFilter: ListFilter = {
  name: 'status',
  label: 'Status',
  choices: Object.entries(sequenceStates).map(([value, { label }]) => ({ value, label })),
}

/** All sequences of the workspace. */
export default function SequencesPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <Page title="Sequences" meta="Syncs that run in an order, each after the one before it." actions={addSequence}>
      <ResourceList
        kind="sequences"
        one="sequence"
        columns={sequenceColumns}
        filters={[statusFilter]}
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
