import { Button } from '@mantine/core'
import { IconClockPlay, IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { plural } from '~/components/format/format'
import type { Column } from '~/components/table/DataTable'
import { NameCell } from '~/components/table/NameCell'
import { ShortList } from '~/components/table/ShortList'
import { useRemove } from '~/features/document/useRemove'
import type { ListSearch } from '~/routes/search'
import { deleteOrchestrator, orchestratorsQuery } from '~/services/orchestrators'
import type { Orchestrator } from '~/services/types'
import { OrchestratorDialog } from './OrchestratorDialog'
import { standing } from './words'

const typeOf = ({ spec }: Orchestrator) => (spec.type === 'fivetran' ? 'Fivetran' : 'dbt Cloud')

const columnsFor = (edit: (one: Orchestrator) => void, remove: (one: Orchestrator) => void): Column<Orchestrator>[] => [
  {
    id: 'name',
    header: 'Name',
    fill: true,
    sort: 'name',
    text: (one) => `${one.metadata.name} ${one.metadata.slug} ${standing(one)}`,
    cell: (one) => <NameCell link={<strong title={one.metadata.name}>{one.metadata.name}</strong>} note={<span title={standing(one)}>{standing(one)}</span>} />,
  },
  { id: 'type', header: 'Type', width: 100, sort: 'type', secondary: true, text: typeOf, cell: typeOf },
  { id: 'used', header: 'Used by', width: 120, sort: 'used', secondary: true, text: ({ status }) => plural(status.useCount, 'schedule'), cell: ({ status }) => plural(status.useCount, 'schedule') },
  {
    id: 'actions',
    header: '',
    width: 166,
    cell: (one) => (
      <div className="row">
        <Button size="xs" variant="default" onClick={() => edit(one)}>
          Edit
        </Button>
        <Button size="xs" variant="default" onClick={() => remove(one)}>
          Delete
        </Button>
      </div>
    ),
  },
]

function consequences({ status }: Orchestrator): string {
  const webhook = status.webhook === undefined ? '' : ` The webhook ${status.webhook} stays in Fivetran: delete it there.`
  return `One that schedules wait for stays.${webhook}`
}

/** The connections to dbt Cloud and Fivetran, whose jobs schedules wait for (DBT-06, ORC-01). */
export function OrchestratorList({ search, onSearch }: { search: ListSearch; onSearch: (search: ListSearch) => void }) {
  const query = useQuery(orchestratorsQuery)
  const [editing, setEditing] = useState<Orchestrator | 'new'>()
  const remove = useRemove({ noun: 'orchestrator', queryKey: 'orchestrators', remove: deleteOrchestrator, consequences })
  return (
    <>
      <ShortList
        title="Orchestrators"
        one="orchestrator"
        many="orchestrators"
        query={query}
        columns={columnsFor(setEditing, (one) => void remove(one))}
        rowKey={({ metadata }) => metadata.slug}
        search={search}
        onSearch={onSearch}
        add={
          <Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setEditing('new')}>
            Add orchestrator
          </Button>
        }
        empty={
          <EmptyState icon={IconClockPlay} title="No orchestrator yet">
            With a connection to dbt Cloud or Fivetran, syncs run as soon as jobs there are done.
          </EmptyState>
        }
      />
      {editing !== undefined && <OrchestratorDialog orchestrator={editing === 'new' ? undefined : editing} onClose={() => setEditing(undefined)} />}
    </>
  )
}
