import { CodeEditor } from '~/components/code/CodeEditor'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { Card } from '~/components/page/Card'
import { ApiError } from '~/services/http'
import type { Model } from '~/services/types'
import { NodeFacts } from './NodeFacts'

type ModelOfDbt = NonNullable<Model['status']['dbt']>

/** What the dbt project of a model says of it now. */
export function DbtRows({ dbt: { node, project, error, notes, sql } }: { dbt: ModelOfDbt }) {
  return (
    <>
      {error !== null && <ErrorCard error={new ApiError(422, error)} title="The dbt model cannot be read" />}
      {node !== null && (
        <Card title={`${node.name} in ${project.name}`}>
          <NodeFacts node={node} />
          {notes.map((note) => (
            <p key={note}>{note}</p>
          ))}
        </Card>
      )}
      {sql !== undefined && <CodeEditor label="What the source is asked" language="sql" value={sql} readOnly minHeight={60} maxHeight={460} />}
    </>
  )
}
