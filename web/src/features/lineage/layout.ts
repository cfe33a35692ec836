import type { Lineage, LineageKind, LineageNode } from '~/services/types'

/** The size of a document in the graph, in pixels at full size. */
export const nodeWidth = 196
export const nodeHeight = 46
const columnGap = 56
const rowGap = 14
/** How far a line that passes a column stays from what is above and below it. */
const laneGap = 12

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
  /** Where the line passes columns that lie in between: the left edge of each, and the height. */
  via: { x: number; y: number }[]
}

export interface Layout {
  placed: Map<string, Placed>
  /** The columns that are there, each from top to bottom. */
  columns: { kind: LineageKind; x: number; nodes: Placed[] }[]
  edges: PlacedEdge[]
  width: number
  height: number
}

/** What takes room in a column: a document, or a lane in which the lines of one pass by the documents of that column. */
interface Item {
  id: string
  name: string
  node?: LineageNode
}

/** A graph in columns, in which every neighbour is in the next column. */
interface Layers {
  all: Item[][]
  near: Map<string, string[]>
  /** The lanes of an edge on its way. */
  lanes: (from: string, to: string) => string[]
}

const laneOf = (from: string, column: number): string => `lane ${column} ${from}`

function layers({ nodes, edges }: Lineage): Layers {
  const byName = (a: LineageNode, b: LineageNode) => a.name.localeCompare(b.name) || a.slug.localeCompare(b.slug)
  const documents = columns.map((kind) => nodes.filter((node) => node.kind === kind).sort(byName)).filter((column) => column.length > 0)
  const all = documents.map((column) => column.map((node): Item => ({ id: node.id, name: node.name, node })))
  const columnOf = new Map(documents.flatMap((column, i) => column.map(({ id }) => [id, i] as const)))
  const near = new Map<string, string[]>(nodes.map(({ id }) => [id, []]))
  const lanes = (from: string, to: string) => {
    const [a, b] = [columnOf.get(from) ?? 0, columnOf.get(to) ?? 0]
    return Array.from({ length: Math.max(0, b - a - 1) }, (_, i) => laneOf(from, a + 1 + i))
  }
  for (const { from, to } of edges) {
    if (!near.has(from) || !near.has(to)) continue
    const stops = [from, ...lanes(from, to), to]
    stops.forEach((id, i) => {
      const fresh = !near.has(id)
      if (fresh) {
        near.set(id, [])
        all[(columnOf.get(from) ?? 0) + i]?.push({ id, name: id })
      }
      const before = stops[i - 1]
      // The way to a lane that is there already is there as well.
      if (before === undefined || (!fresh && id !== to)) return
      near.get(id)?.push(before)
      near.get(before)?.push(id)
    })
  }
  return { all, near, lanes }
}

function mean(values: number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}

/**
 * Places of things that stand below each other in this order, each at least its distance from the one before, in all as
 * near to where they are wanted as can be: neighbours that would come too close are moved as one block to the mean of
 * what they want (pool adjacent violators).
 */
export function spread(wanted: number[], distances: number[]): number[] {
  let sum = 0
  const offsets = distances.map((distance, i) => (sum += i === 0 ? 0 : distance))
  const blocks: { sum: number; count: number }[] = []
  const at = (block: { sum: number; count: number }) => block.sum / block.count
  wanted.forEach((place, i) => {
    let block = { sum: place - (offsets[i] ?? 0), count: 1 }
    for (let last = blocks.at(-1); last !== undefined && at(last) > at(block); last = blocks.at(-1)) {
      blocks.pop()
      block = { sum: last.sum + block.sum, count: last.count + block.count }
    }
    blocks.push(block)
  })
  return blocks.flatMap((block) => Array.from({ length: block.count }, () => at(block))).map((place, i) => place + (offsets[i] ?? 0))
}

/** Orders each column so that few edges cross: each item goes to the mean place of its neighbours, some times over. */
function order({ all, near }: Layers): void {
  const rank = new Map<string, number>()
  // Ranks are parts of a column's height, so that columns of different lengths compare.
  const number = (items: Item[]) => items.forEach(({ id }, i) => rank.set(id, (i + 0.5) / items.length))
  all.forEach(number)
  for (let sweep = 0; sweep < 4; sweep++) {
    for (const items of sweep % 2 === 0 ? all : [...all].reverse()) {
      const place = new Map(items.map(({ id }) => [id, mean((near.get(id) ?? []).map((other) => rank.get(other) ?? 0)) ?? 1]))
      items.sort((a, b) => (place.get(a.id) ?? 0) - (place.get(b.id) ?? 0) || a.name.localeCompare(b.name) || a.id.localeCompare(b.id))
      number(items)
    }
  }
}

/** How far the middle of each item must be from the one above. */
function distancesOf(items: Item[]): number[] {
  const half = ({ node }: Item) => (node === undefined ? 0 : nodeHeight / 2)
  return items.map((item, i) => {
    const above = items[i - 1]
    if (above === undefined) return 0
    return half(above) + half(item) + (above.node !== undefined && item.node !== undefined ? rowGap : laneGap)
  })
}

/** Places a graph in columns from sources to destinations. */
export function layOut(graph: Lineage): Layout {
  const made = layers(graph)
  order(made)
  const { all, near } = made
  const middles = new Map<string, number>()
  const distances = all.map(distancesOf)
  const heights = distances.map((column) => column.reduce((sum, distance) => sum + distance, 0))
  const longest = heights.indexOf(Math.max(0, ...heights))
  // From the longest column outwards, each item stands where its neighbours do.
  const outwards = all.map((_, i) => i).sort((a, b) => Math.abs(a - longest) - Math.abs(b - longest))
  for (const i of outwards) {
    const items = all[i] ?? []
    let last = -nodeHeight - rowGap
    const wanted = items.map(({ id }) => {
      const known = (near.get(id) ?? []).flatMap((other) => middles.get(other) ?? [])
      return (last = i === longest ? 0 : mean(known) ?? last + nodeHeight + rowGap)
    })
    spread(wanted, distances[i] ?? []).forEach((middle, j) => middles.set(items[j]?.id ?? '', middle))
  }
  return placed(graph, made, middles)
}

function placed(graph: Lineage, { all, lanes }: Layers, middles: Map<string, number>): Layout {
  const tops = all.flat().map(({ id, node }) => (middles.get(id) ?? 0) - (node === undefined ? 0 : nodeHeight / 2))
  const first = tops.reduce((least, top) => Math.min(least, top), Infinity)
  const middleOf = (id: string) => (middles.get(id) ?? 0) - first
  const left = (column: number) => column * (nodeWidth + columnGap)
  const made = all.map((items, i) => {
    const nodes = items.flatMap(({ id, node }) => (node === undefined ? [] : [{ node, x: left(i), y: middleOf(id) - nodeHeight / 2 }]))
    return { kind: nodes[0]?.node.kind ?? 'source', x: left(i), nodes }
  })
  const byId = new Map(made.flatMap(({ nodes }) => nodes.map((p) => [p.node.id, p] as const)))
  const edges = graph.edges.flatMap(({ from, to }) => {
    const [a, b] = [byId.get(from), byId.get(to)]
    if (a === undefined || b === undefined) return []
    const via = lanes(from, to).map((lane, i) => ({ x: a.x + left(i + 1), y: middleOf(lane) }))
    return [{ id: `${from} ${to}`, from: a, to: b, via }]
  })
  const height = [...byId.values()].reduce((bottom, { y }) => Math.max(bottom, y + nodeHeight), 0)
  return { placed: byId, columns: made, edges, width: all.length * (nodeWidth + columnGap) - (all.length > 0 ? columnGap : 0), height }
}

/** The line of an edge, as an SVG path: it bends between columns only. */
export function lineOf({ from, to, via }: PlacedEdge): string {
  let [x, y] = [from.x + nodeWidth, from.y + nodeHeight / 2]
  let line = `M${x} ${y}`
  const bendTo = (nextX: number, nextY: number) => {
    const bend = Math.max(30, (nextX - x) / 2)
    line += `C${x + bend} ${y} ${nextX - bend} ${nextY} ${nextX} ${nextY}`
    ;[x, y] = [nextX, nextY]
  }
  for (const pass of via) {
    bendTo(pass.x, pass.y)
    line += `H${(x = pass.x + nodeWidth)}`
  }
  bendTo(to.x, to.y + nodeHeight / 2)
  return line
}
