import { Facts } from '~/components/page/Facts'
import type { DbtNode } from '~/services/types'

/** What a dbt project says of a model or analysis (DBT-03). */
export function NodeFacts({ node }: { node: DbtNode }) {
  return (
    <Facts
      facts={[
        { label: 'Unique ID', value: <code>{node.id}</code> },
        ...(node.description === undefined ? [] : [{ label: 'Description', value: node.description }]),
        ...(node.relation === undefined ? [] : [{ label: 'Table', value: <code>{node.relation}</code> }]),
        ...(node.materialized === undefined ? [] : [{ label: 'Materialized as', value: node.materialized }]),
        ...(node.path === '' ? [] : [{ label: 'File', value: <FileOf node={node} /> }]),
      ]}
    />
  )
}

function FileOf({ node: { link, path } }: { node: DbtNode }) {
  if (link === undefined) return <code>{path}</code>
  return (
    <a href={link} target="_blank" rel="noreferrer">
      {path}
    </a>
  )
}
