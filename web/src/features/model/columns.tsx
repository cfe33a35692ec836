import { Link } from '@tanstack/react-router'
import { IconTable } from '@tabler/icons-react'
import { count } from '~/components/format/format'
import { Clip } from '~/components/table/Clip'
import { NameCell } from '~/components/table/NameCell'
import type { Column } from '~/components/table/DataTable'
import { createdColumn, creatorColumn, folderColumn, labelsColumn, slugColumn, updatedColumn } from '~/features/list/common'
import type { Model, ModelMethod } from '~/services/types'

/** How a model is described, in a word. */
export const listWords: Record<ModelMethod, string> = { sql: 'SQL', table: 'Table', file: 'File', sheet: 'Sheet', dbt: 'dbt', bi: 'BI tool' }

/** The columns of every list of models. */
export const modelColumns: Column<Model>[] = [
  {
    id: 'name',
    header: 'Name',
    fill: true,
    sort: 'name',
    text: ({ metadata }) => metadata.name,
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
  { id: 'method', header: 'Query type', width: 110, extra: true, text: ({ spec }) => listWords[spec.method], cell: ({ spec }) => listWords[spec.method] },
  { id: 'source', header: 'Source', sort: 'source', width: 170, text: ({ spec, status }) => status?.source.name ?? spec.source, cell: ({ spec, status }) => <Clip text={status?.source.name ?? spec.source} /> },
  { id: 'key', header: 'Primary key', secondary: true, width: 140, text: ({ spec }) => spec.primaryKey ?? '', cell: ({ spec }) => <code>{spec.primaryKey}</code> },
  {
    id: 'rows',
    header: 'Rows, last run',
    align: 'right',
    width: 120,
    text: ({ status }) => (typeof status?.lastRunRows === 'number' ? String(status.lastRunRows) : ''),
    cell: ({ status }) => (typeof status?.lastRunRows === 'number' ? count(status.lastRunRows) : '–'),
  },
  { id: 'syncs', header: 'Syncs', align: 'right', width: 80, text: ({ status }) => String(status?.syncCount ?? 0), cell: ({ status }) => status?.syncCount ?? 0 },
  updatedColumn,
  { ...createdColumn, extra: true },
  creatorColumn,
  folderColumn,
  labelsColumn,
  slugColumn,
]
