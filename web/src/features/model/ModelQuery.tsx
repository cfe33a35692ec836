import { CodeEditor } from '~/components/code/CodeEditor'
import { tableName } from '~/components/grid/types'
import { Card } from '~/components/page/Card'
import { Facts } from '~/components/page/Facts'
import type { Model } from '~/services/types'
import { BiSql } from './BiChooser'
import { DbtRows } from './DbtRows'
import { methodWords } from './draft'

/** Which rows a model has: how they are described, and the query. */
export function ModelQuery({ model: { spec, status } }: { model: Model }) {
  return (
    <div className="stack">
      <Card title="Rows">
        <Facts
          facts={[
            { label: 'Method', value: methodWords[spec.method] },
            { label: 'Primary key', value: <code>{spec.primaryKey}</code> },
            ...(spec.method !== 'table' || spec.table === undefined ? [] : [{ label: 'Table', value: <code>{tableName(spec.table)}</code> }]),
            ...(spec.method !== 'file' || spec.file === undefined
              ? []
              : [{ label: spec.file.newest === true ? 'Newest file with the prefix' : 'File', value: <code>{spec.file.path || 'any'}</code> }]),
            ...(spec.method !== 'sheet' || spec.sheet === undefined ? [] : [{ label: 'Sheet', value: <code>{spec.sheet.name}</code> }]),
          ]}
        />
      </Card>
      {status.dbt !== null && <DbtRows dbt={status.dbt} />}
      {spec.method === 'bi' && spec.bi !== undefined && <BiSql bi={spec.bi} />}
      {spec.method === 'sql' && <CodeEditor label="Query" language="sql" value={spec.sql ?? ''} readOnly minHeight={80} maxHeight={460} />}
    </div>
  )
}
