import { IconListNumbers, IconRefresh, IconTable } from '@tabler/icons-react'
import { memo } from 'react'
import { ConnectorIcon } from '~/components/brand/ConnectorIcon'
import { StatusBadge } from '~/components/status/StatusBadge'
import type { LineageKind, LineageNode } from '~/services/types'
import { kindWords, nameOf, stateOf } from './graph'
import { lineOf, nodeHeight, nodeWidth, type PlacedEdge } from './layout'
import classes from './Lineage.module.css'
import type { Area } from './viewport'

const signs: Partial<Record<LineageKind, typeof IconTable>> = { model: IconTable, sync: IconRefresh, sequence: IconListNumbers }

/** What stands for a document: its connector's sign, or its kind's. */
export function NodeSign({ node, size = 26 }: { node: LineageNode; size?: number }) {
  const Sign = signs[node.kind]
  if (Sign === undefined) return <ConnectorIcon type={node.type ?? ''} size={size} />
  return (
    <span className={classes.sign} style={{ width: size, height: size }} aria-hidden="true">
      <Sign size={Math.round(size * 0.62)} stroke={1.6} />
    </span>
  )
}

interface NodeProps {
  node: LineageNode
  x: number
  y: number
  href: string
  /** Another document is looked at, which this one has nothing to do with. */
  dim: boolean
  found: boolean
  /** It is the document whose lineage is shown. */
  own: boolean
  /** The tab key stops here. */
  stop: boolean
}

/** A document of the graph. What it is asked for reaches the graph around it, so that it is drawn anew only where it differs. */
export const GraphNode = memo(function GraphNode({ node, x, y, href, dim, found, own, stop }: NodeProps) {
  const state = stateOf(node)
  const names = [classes.node, dim && classes.dim, found && classes.found, own && classes.own].filter(Boolean).join(' ')
  return (
    <a
      href={href}
      data-id={node.id}
      draggable={false}
      tabIndex={stop ? 0 : -1}
      className={names}
      style={{ transform: `translate(${x}px, ${y}px)`, width: nodeWidth, height: nodeHeight }}
      title={node.name}
      aria-label={nameOf(node)}
      aria-current={own ? 'true' : undefined}
    >
      <NodeSign node={node} />
      <span className={classes.words}>
        <span className="truncate">{node.name}</span>
        {state === undefined ? <small className="muted">{kindWords[node.kind].one}</small> : <StatusBadge {...state} />}
      </span>
    </a>
  )
})

interface EdgesProps {
  edges: PlacedEdge[]
  area: Area
  /** The documents that the one looked at has to do with. */
  lit?: Set<string>
}

function inSight({ from, to, via }: PlacedEdge, { left, top, right, bottom }: Area): boolean {
  const heights = [from.y, to.y, ...via.map(({ y }) => y)]
  return from.x < right && to.x + nodeWidth > left && Math.min(...heights) < bottom && Math.max(...heights) + nodeHeight > top
}

function classOf({ from, to }: PlacedEdge, lit?: Set<string>): string {
  const through = lit === undefined ? undefined : lit.has(from.node.id) && lit.has(to.node.id)
  const names = [classes.edge, from.node.kind === 'sequence' && classes.starts, through === true && classes.lit, through === false && classes.dim]
  return names.filter(Boolean).join(' ')
}

/** The lines between documents. */
export const GraphEdges = memo(
  function GraphEdges({ edges, area, lit }: EdgesProps) {
    return (
      <svg className={classes.edges} aria-hidden="true">
        {edges.filter((edge) => inSight(edge, area)).map((edge) => (
          <path key={edge.id} d={lineOf(edge)} className={classOf(edge, lit)} />
        ))}
      </svg>
    )
  },
  (a, b) => a.edges === b.edges && a.lit === b.lit && a.area.left === b.area.left && a.area.top === b.area.top && a.area.right === b.area.right && a.area.bottom === b.area.bottom,
)
