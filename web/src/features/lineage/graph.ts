import { sequenceStates, syncStates, type StateWords } from '~/components/status/states'
import type { Lineage, LineageKind, LineageNode, SequenceState, SyncState } from '~/services/types'

export const kindWords: Record<LineageKind, { one: string; many: string }> = {
  source: { one: 'Source', many: 'Sources' },
  model: { one: 'Model', many: 'Models' },
  sequence: { one: 'Sequence', many: 'Sequences' },
  sync: { one: 'Sync', many: 'Syncs' },
  destination: { one: 'Destination', many: 'Destinations' },
}

/** The page of a document. */
export const pageOf = ({ kind, slug }: Pick<LineageNode, 'kind' | 'slug'>): string => `/${kind}s/${encodeURIComponent(slug)}`

/** How a sync or a sequence stands; the others have no state. */
export function stateOf({ kind, state, label }: LineageNode): StateWords | undefined {
  if (state === undefined || state === '') return undefined
  const known = kind === 'sync' ? syncStates[state as SyncState] : sequenceStates[state as SequenceState]
  return { tone: known?.tone ?? 'idle', label: label ?? known?.label ?? state }
}

/** A document in words, for who does not see the graph. */
export function nameOf(node: LineageNode): string {
  const state = stateOf(node)
  return `${kindWords[node.kind].one} ${node.name}${state === undefined ? '' : `, ${state.label}`}`
}

type Near = Map<string, string[]>

function both({ edges }: Lineage): { onward: Near; back: Near } {
  const onward: Near = new Map()
  const back: Near = new Map()
  const add = (near: Near, from: string, to: string) => {
    const known = near.get(from)
    if (known === undefined) near.set(from, [to])
    else known.push(to)
  }
  for (const { from, to } of edges) {
    add(onward, from, to)
    add(back, to, from)
  }
  return { onward, back }
}

function walk(near: Near, start: string, reached: Set<string>): void {
  const open = [start]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    reached.add(id)
    open.push(...(near.get(id) ?? []).filter((next) => !reached.has(next)))
  }
}

/** What rows come from on their way to some documents, and what they go on to; with the documents. */
export function throughOf(graph: Lineage, ids: Iterable<string>): Set<string> {
  const { onward, back } = both(graph)
  const [before, after] = [new Set<string>(), new Set<string>()]
  for (const id of ids) {
    if (!before.has(id)) walk(back, id, before)
    if (!after.has(id)) walk(onward, id, after)
  }
  return new Set([...before, ...after])
}

/** The documents that a text or a wish for trouble only chooses; nothing where neither chooses. */
export function chosenOf(graph: Lineage, search: string, trouble: boolean): Set<string> | undefined {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0 && !trouble) return undefined
  const fits = (node: LineageNode) => {
    const tone = stateOf(node)?.tone
    const text = `${node.name} ${node.slug} ${node.type ?? ''} ${kindWords[node.kind].one}`.toLowerCase()
    return (!trouble || tone === 'bad' || tone === 'warn') && words.every((word) => text.includes(word))
  }
  return new Set(graph.nodes.filter(fits).map(({ id }) => id))
}

/** The part of a graph with some of its documents. */
export function partOf(graph: Lineage, ids: Set<string>): Lineage {
  return {
    nodes: graph.nodes.filter(({ id }) => ids.has(id)),
    edges: graph.edges.filter(({ from, to }) => ids.has(from) && ids.has(to)),
  }
}

/** The documents that lead to a document at once, and those that it leads to. */
export function besideOf(graph: Lineage): Map<string, { before: LineageNode[]; after: LineageNode[] }> {
  const byId = new Map(graph.nodes.map((node) => [node.id, node]))
  const beside = new Map(graph.nodes.map(({ id }) => [id, { before: [] as LineageNode[], after: [] as LineageNode[] }]))
  for (const { from, to } of graph.edges) {
    const [a, b] = [byId.get(from), byId.get(to)]
    if (a === undefined || b === undefined) continue
    beside.get(from)?.after.push(b)
    beside.get(to)?.before.push(a)
  }
  return beside
}
