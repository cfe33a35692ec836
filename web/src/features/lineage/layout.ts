import type { Lineage, LineageKind, LineageNode } from '~/services/types'

/** The size of a document in the graph, in pixels at full size. */
export const nodeWidth = 196
export const nodeHeight = 46
const columnGap = 56
const rowGap = 14
const pitch = nodeHeight + rowGap

/** The columns from left to right. A sequence starts syncs, so it stands before them. */
export const columns: LineageKind[] = ['source', 'model', 'sequence', 'sync', 'destination']

export interface Placed {
  node: LineageNode
  /** Left and top edge. */
  x: number
  y: number
}

export interface PlacedEdge {
  id: string
  from: Placed
  to: Placed
}

export interface Layout {
  placed: Map<string, Placed>
  /** The columns that are there, each from top to bottom. */
  columns: { kind: LineageKind; x: number; nodes: Placed[] }[]
  edges: PlacedEdge[]
  width: number
  height: number
}

/** Who is connected with whom, whichever way. */
function neighbours({ nodes, edges }: Lineage): Map<string, string[]> {
  const near = new Map<string, string[]>(nodes.map(({ id }) => [id, []]))
  for (const { from, to } of edges) {
    near.get(from)?.push(to)
    near.get(to)?.push(from)
  }
  return near
}

function mean(values: number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}

/**
 * Tops of nodes that stand below each other in this order without overlap, in all as near to where they are wanted as
 * can be: neighbours that would overlap are moved as one block to the mean of what they want (pool adjacent violators).
 */
export function spread(wanted: number[], distance: number): number[] {
  const blocks: { sum: number; count: number }[] = []
  const at = (block: { sum: number; count: number }) => block.sum / block.count
  wanted.forEach((top, i) => {
    let block = { sum: top - i * distance, count: 1 }
    for (let last = blocks.at(-1); last !== undefined && at(last) > at(block); last = blocks.at(-1)) {
      blocks.pop()
      block = { sum: last.sum + block.sum, count: last.count + block.count }
    }
    blocks.push(block)
  })
  return blocks.flatMap((block) => Array.from({ length: block.count }, () => at(block))).map((top, i) => top + i * distance)
}

/** The nodes of each column, ordered so that few edges cross: each goes to the mean place of its neighbours, some times over. */
function ordered(graph: Lineage, near: Map<string, string[]>): LineageNode[][] {
  const byName = (a: LineageNode, b: LineageNode) => a.name.localeCompare(b.name) || a.slug.localeCompare(b.slug)
  const all = columns.map((kind) => graph.nodes.filter((node) => node.kind === kind).sort(byName)).filter((nodes) => nodes.length > 0)
  const rank = new Map<string, number>()
  // Ranks are parts of a column's height, so that columns of different lengths compare.
  const number = (nodes: LineageNode[]) => nodes.forEach(({ id }, i) => rank.set(id, (i + 0.5) / nodes.length))
  all.forEach(number)
  for (let sweep = 0; sweep < 4; sweep++) {
    for (const nodes of sweep % 2 === 0 ? all : [...all].reverse()) {
      const place = new Map(nodes.map(({ id }) => [id, mean((near.get(id) ?? []).map((other) => rank.get(other) ?? 0)) ?? 1]))
      nodes.sort((a, b) => (place.get(a.id) ?? 0) - (place.get(b.id) ?? 0) || byName(a, b))
      number(nodes)
    }
  }
  return all
}

/** Places a graph in columns from sources to destinations. */
export function layOut(graph: Lineage): Layout {
  const near = neighbours(graph)
  const all = ordered(graph, near)
  const tops = new Map<string, number>()
  const longest = all.reduce((best, nodes, i) => (nodes.length > (all[best]?.length ?? 0) ? i : best), 0)
  all[longest]?.forEach(({ id }, i) => tops.set(id, i * pitch))
  // From the longest column outwards, each node stands where its neighbours do.
  const outwards = [...all.slice(0, longest).reverse(), ...all.slice(longest + 1)]
  for (const nodes of outwards) {
    let last = 0
    const wanted = nodes.map(({ id }) => {
      const known = (near.get(id) ?? []).flatMap((other) => tops.get(other) ?? [])
      return (last = mean(known) ?? last + pitch)
    })
    spread(wanted, pitch).forEach((top, i) => tops.set(nodes[i]?.id ?? '', top))
  }
  return placed(graph, all, tops)
}

function placed(graph: Lineage, all: LineageNode[][], tops: Map<string, number>): Layout {
  const first = [...tops.values()].reduce((a, b) => Math.min(a, b), 0)
  const made = all.map((nodes, i) => {
    const x = i * (nodeWidth + columnGap)
    return { kind: nodes[0]?.kind ?? 'source', x, nodes: nodes.map((node) => ({ node, x, y: (tops.get(node.id) ?? 0) - first })) }
  })
  const byId = new Map(made.flatMap(({ nodes }) => nodes.map((p) => [p.node.id, p] as const)))
  const edges = graph.edges.flatMap(({ from, to }) => {
    const [a, b] = [byId.get(from), byId.get(to)]
    return a && b ? [{ id: `${from} ${to}`, from: a, to: b }] : []
  })
  const height = [...byId.values()].reduce((bottom, { y }) => Math.max(bottom, y + nodeHeight), 0)
  return { placed: byId, columns: made, edges, width: all.length * (nodeWidth + columnGap) - (all.length > 0 ? columnGap : 0), height }
}

/** The line of an edge, as an SVG path. */
export function lineOf({ from, to }: PlacedEdge): string {
  const [x1, y1, x2, y2] = [from.x + nodeWidth, from.y + nodeHeight / 2, to.x, to.y + nodeHeight / 2]
  const bend = Math.max(30, (x2 - x1) / 2)
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`
}
