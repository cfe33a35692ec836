import { Link } from '@tanstack/react-router'
import { IconTable } from '@tabler/icons-react'
import { count } from '~/components/format/format'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Clip } from '~/components/table/Clip'
import { NameCell } from '~/components/table/NameCell'
import type { Column } from '~/components/table/DataTable'
import type { Model, ModelMethod } from '~/services/types'

const listWords: Record<ModelMethod, string> = { sql: 'SQL', table: 'Table', file: 'File', sheet: 'Sheet', dbt: 'dbt', bi: 'BI tool' }

/** The columns of every list of models. */
export const modelColumns: Column<Model>[] = [
  {
    id: 'name',
    header: 'Name',
    fill: true,
    sort: 'name',
    cell: ({ metadata, spec, status }) => (
      <NameCell
        icon={<IconTable size={20} stroke={1.5} aria-hidden color="var(--accent)" style={{ flex: 'none' }} />}
        link={
          <Link to="/models/$slug" params={{ slug: metadata.slug }} title={metadata.name}>
            {metadata.name}
          </Link>
        }
        note={`${listWords[spec.method]}${status.drift === null ? '' : ', columns changed in the source'}`}
      />
    ),
  },
  { id: 'source', header: 'Source', cell: ({ spec, status }) => <Clip text={status?.source.name ?? spec.source} /> },
  { id: 'key', header: 'Primary key', secondary: true, cell: ({ spec }) => <code>{spec.primaryKey}</code> },
  {
    id: 'rows',
    header: 'Rows, last run',
    align: 'right',
    width: 120,
    cell: ({ status }) => (typeof status?.lastRunRows === 'number' ? count(status.lastRunRows) : '–'),
  },
  { id: 'syncs', header: 'Syncs', align: 'right', width: 80, cell: ({ status }) => status?.syncCount ?? 0 },
  { id: 'updated', header: 'Updated', sort: 'updatedAt', secondary: true, width: 150, cell: ({ metadata }) => <TimeAgo at={metadata.updatedAt} /> },
]
