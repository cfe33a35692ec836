import { SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { CodeEditor, type CodePlace } from '~/components/code/CodeEditor'
import { tableName } from '~/components/grid/types'
import { Card } from '~/components/page/Card'
import { completionSchema } from '~/features/source/tables'
import { TablesBrowser } from '~/features/source/TablesBrowser'
import { useTables } from '~/features/source/useTables'
import { sourceCatalogQuery } from '~/services/catalog'
import { documentQuery } from '~/services/documents'
import type { SampleQuery } from '~/services/types'
import type { RowsDraft } from './draft'
import classes from './Model.module.css'

interface Props {
  draft: RowsDraft
  onChange: (draft: RowsDraft) => void
  onRun: () => void
  /** Where the source has found an error in the query. */
  place?: CodePlace
}

const methodWords: Record<string, string> = { sql: 'SQL query', table: 'Table selector' }

/** Describes a model's rows: a query with completion and sample queries, or a table. */
export function RowsEditor({ draft, onChange, onRun, place }: Props) {
  const source = useQuery(documentQuery('sources', draft.source))
  const catalog = useQuery(sourceCatalogQuery)
  const info = catalog.data?.find((entry) => entry.slug === source.data?.spec.type)
  const methods = (info?.methods ?? ['sql', 'table']).filter((m) => m in methodWords)
  return (
    <div className="stack">
      {methods.length > 1 && (
        <SegmentedControl
          aria-label="How the rows are described"
          w="fit-content"
          data={methods.map((value) => ({ value, label: methodWords[value] ?? value }))}
          value={draft.method}
          onChange={(method) => onChange({ ...draft, method: method === 'table' ? 'table' : 'sql' })}
        />
      )}
      {draft.method === 'sql' ? (
        <SqlInput draft={draft} onChange={onChange} onRun={onRun} place={place} queries={info?.queries ?? []} />
      ) : (
        <TablesBrowser
          slug={draft.source}
          chosen={draft.table === undefined ? '' : tableName(draft.table)}
          onChoose={(table) => onChange({ ...draft, table: table.ref })}
        />
      )}
    </div>
  )
}

function SqlInput({ draft, onChange, onRun, place, queries }: Props & { queries: SampleQuery[] }) {
  const { tables } = useTables(draft.source)
  const schema = useMemo(() => completionSchema(tables), [tables])
  return (
    <div className={queries.length > 0 ? classes.withSamples : undefined}>
      <CodeEditor
        label="SQL query"
        language="sql"
        value={draft.sql}
        schema={schema}
        place={place}
        minHeight={220}
        maxHeight={420}
        onChange={(sql) => onChange({ ...draft, sql })}
        onRun={onRun}
      />
      {queries.length > 0 && (
        <Card title="Sample queries" flush>
          <ul className={classes.samples}>
            {queries.map((query) => (
              <li key={query.title}>
                <button type="button" onClick={() => onChange({ ...draft, sql: query.sql.trim() })}>
                  {query.title}
                </button>
              </li>
            ))}
          </ul>
        </Card>
      )}
    </div>
  )
}
