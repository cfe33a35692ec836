import { Button } from '@mantine/core'
import { IconChartBar, IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { plural } from '~/components/format/format'
import type { Column } from '~/components/table/DataTable'
import { NameCell } from '~/components/table/NameCell'
import { ShortList } from '~/components/table/ShortList'
import { useRemove } from '~/features/document/useRemove'
import type { ListSearch } from '~/routes/search'
import { biToolsQuery, deleteBiTool } from '~/services/bi'
import type { BiTool } from '~/services/types'
import { BiToolDialog } from './BiToolDialog'

const typeOf = ({ spec }: BiTool) => (spec.type === 'sigma' ? 'Sigma' : 'Looker')

const columnsFor = (edit: (tool: BiTool) => void, remove: (tool: BiTool) => void): Column<BiTool>[] => [
  {
    id: 'name',
    header: 'Name',
    fill: true,
    sort: 'name',
    text: ({ metadata, spec }) => `${metadata.name} ${metadata.slug} ${spec.description ?? ''}`,
    cell: ({ metadata, spec }) => <NameCell link={<strong title={metadata.name}>{metadata.name}</strong>} note={spec.description} />,
  },
  { id: 'type', header: 'Type', width: 100, sort: 'type', secondary: true, text: typeOf, cell: typeOf },
  { id: 'used', header: 'Used by', width: 120, sort: 'used', secondary: true, text: ({ status }) => plural(status.modelCount, 'model'), cell: ({ status }) => plural(status.modelCount, 'model') },
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

/** The connections to Looker and Sigma, whose saved questions models read (BI-01, BI-02). */
export function BiToolList({ search, onSearch }: { search: ListSearch; onSearch: (search: ListSearch) => void }) {
  const query = useQuery(biToolsQuery)
  const [editing, setEditing] = useState<BiTool | 'new'>()
  const remove = useRemove({
    noun: 'BI tool',
    queryKey: 'bi-tools',
    remove: deleteBiTool,
    consequences: () => 'Its stored secret is erased. One that models read from stays.',
  })
  return (
    <>
      <ShortList
        title="BI tools"
        one="BI tool"
        many="BI tools"
        query={query}
        columns={columnsFor(setEditing, (tool) => void remove(tool))}
        rowKey={({ metadata }) => metadata.slug}
        search={search}
        onSearch={onSearch}
        add={
          <Button size="xs" leftSection={<IconPlus size={14} />} onClick={() => setEditing('new')}>
            Add BI tool
          </Button>
        }
        empty={
          <EmptyState icon={IconChartBar} title="No BI tool yet">
            With a connection to Looker or Sigma, Looks and elements of workbooks become models.
          </EmptyState>
        }
      />
      {editing !== undefined && <BiToolDialog tool={editing === 'new' ? undefined : editing} onClose={() => setEditing(undefined)} />}
    </>
  )
}
