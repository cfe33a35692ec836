import { Link } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { StatusBadge } from '~/components/status/StatusBadge'
import { DataTable, type Column } from '~/components/table/DataTable'
import type { Lineage, LineageNode } from '~/services/types'
import { besideOf, kindWords, pageOf, stateOf } from './graph'
import { NodeSign } from './GraphParts'
import { columns as kinds } from './layout'
import classes from './Lineage.module.css'

interface Row {
  node: LineageNode
  before: LineageNode[]
  after: LineageNode[]
}

const pageSize = 200
const named = 3

/** Some documents by name, the first of them as links. */
function Names({ nodes }: { nodes: LineageNode[] }) {
  if (nodes.length === 0) return <span className="muted">–</span>
  return (
    <span className={classes.names}>
      {nodes.slice(0, named).map((node, i) => (
        <span key={node.id}>
          {i > 0 && ', '}
          <Link to={pageOf(node)} title={kindWords[node.kind].one}>
            {node.name}
          </Link>
        </span>
      ))}
      {nodes.length > named && <span className="muted"> and {nodes.length - named} more</span>}
    </span>
  )
}

const columns: Column<Row>[] = [
  {
    id: 'name',
    header: 'Name',
    cell: ({ node }) => (
      <Link to={pageOf(node)} className={classes.name} title={node.name}>
        <NodeSign node={node} size={24} />
        <span className="truncate">{node.name}</span>
      </Link>
    ),
  },
  { id: 'kind', header: 'Kind', cell: ({ node }) => kindWords[node.kind].one },
  {
    id: 'state',
    header: 'Status',
    cell: ({ node }) => {
      const state = stateOf(node)
      return state === undefined ? <span className="muted">–</span> : <StatusBadge {...state} />
    },
  },
  { id: 'before', header: 'From', cell: ({ before }) => <Names nodes={before} /> },
  { id: 'after', header: 'To', cell: ({ after }) => <Names nodes={after} /> },
]

/** The same as the graph, as a table: each document with those that lead to it and those that it leads to. */
export function LineageList({ graph }: { graph: Lineage }) {
  const [shown, setShown] = useState(pageSize)
  const rows = useMemo(() => {
    const beside = besideOf(graph)
    const order = (node: LineageNode) => kinds.indexOf(node.kind)
    const sorted = [...graph.nodes].sort((a, b) => order(a) - order(b) || a.name.localeCompare(b.name))
    return sorted.map((node): Row => ({ node, before: [], after: [], ...beside.get(node.id) }))
  }, [graph])
  const more = rows.length > shown ? { load: () => setShown(shown + pageSize), loading: false, total: rows.length } : undefined
  return <DataTable caption="Lineage" columns={columns} rows={rows.slice(0, shown)} rowKey={({ node }) => node.id} more={more} />
}
