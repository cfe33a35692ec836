import { SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import { CodeEditor, type CodePlace } from '~/components/code/CodeEditor'
import { tableName } from '~/components/grid/types'
import { Card } from '~/components/page/Card'
import { completionSchema } from '~/features/source/tables'
import { TablesBrowser } from '~/features/source/TablesBrowser'
import { useTables } from '~/features/source/useTables'
import { sourceCatalogQuery } from '~/services/catalog'
import { documentQuery } from '~/services/documents'
import type { ModelMethod, SampleQuery, SourceInfo } from '~/services/types'
import { methodWords, type RowsDraft } from './draft'
import { BiChooser } from './BiChooser'
import { DbtChooser } from './DbtChooser'
import { FileChooser } from './FileChooser'
import classes from './Model.module.css'
import { SheetChooser } from './SheetChooser'

interface Props {
  draft: RowsDraft
  onChange: (draft: RowsDraft) => void
  onRun: () => void
  /** Where the source has found an error in the query. */
  place?: CodePlace
}

/** Describes a model's rows: a query with completion and sample queries, a table, a file, a sheet or a model of dbt. */
export function RowsEditor({ draft, onChange, onRun, place }: Props) {
  const source = useQuery(documentQuery('sources', draft.source))
  const catalog = useQuery(sourceCatalogQuery)
  const info = catalog.data?.find((entry) => entry.slug === source.data?.spec.type)
  const methods: ModelMethod[] = info?.methods ?? ['sql', 'table']
  // Before the source is known, an address that names a method must not lose it.
  const fallback = info === undefined || methods.includes(draft.method) ? undefined : methods[0]
  useEffect(() => {
    if (fallback !== undefined) onChange({ ...draft, method: fallback })
  }, [fallback, draft, onChange])
  return (
    <div className="stack">
      {methods.length > 1 && (
        <SegmentedControl
          aria-label="How the rows are described"
          w="fit-content"
          data={methods.map((value) => ({ value, label: methodWords[value] }))}
          value={draft.method}
          onChange={(method) => onChange({ ...draft, method: methods.find((m) => m === method) ?? 'sql' })}
        />
      )}
      <MethodInput draft={draft} onChange={onChange} onRun={onRun} place={place} info={info} />
    </div>
  )
}

function MethodInput({ draft, onChange, onRun, place, info }: Props & { info: SourceInfo | undefined }) {
  switch (draft.method) {
    case 'sql':
      return <SqlInput draft={draft} onChange={onChange} onRun={onRun} place={place} queries={info?.queries ?? []} />
    case 'table':
      return (
        <TablesBrowser
          slug={draft.source}
          chosen={draft.table === undefined ? '' : tableName(draft.table)}
          onChoose={(table) => onChange({ ...draft, table: table.ref })}
        />
      )
    case 'file':
      return (
        <FileChooser
          slug={draft.source}
          rules={info?.files ?? { extensions: [], newest: false }}
          file={draft.file ?? { path: '' }}
          onChange={(file) => onChange({ ...draft, file })}
        />
      )
    case 'sheet':
      return (
        <SheetChooser
          slug={draft.source}
          books={info?.books === true}
          sheet={draft.sheet ?? { name: '' }}
          onChange={(sheet) => onChange({ ...draft, sheet })}
        />
      )
    case 'dbt':
      return <DbtChooser source={draft.source} dbt={draft.dbt ?? { project: '', node: '' }} onChange={(dbt) => onChange({ ...draft, dbt })} />
    case 'bi':
      return <BiChooser bi={draft.bi ?? { tool: '', item: '' }} onChange={(bi) => onChange({ ...draft, bi })} />
  }
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
