import type { Layout, Placed } from './layout'

const byDistance = (from: Placed) => (a: Placed, b: Placed) => Math.abs(a.y - from.y) - Math.abs(b.y - from.y)

/** The documents that a document leads to, or that lead to it. */
function beside(layout: Layout, { node }: Placed, onward: boolean): Placed[] {
  const found = layout.edges.flatMap(({ from, to }) => {
    if (onward && from.node.id === node.id) return [to]
    return !onward && to.node.id === node.id ? [from] : []
  })
  return found
}

/**
 * The document that a key leads to: up and down within a column, left and right along the lines, to the nearest; where
 * no line leads that way, to the nearest of the next column.
 */
export function nextOf(layout: Layout, id: string, key: string): string | undefined {
  const here = layout.placed.get(id)
  if (here === undefined) return undefined
  const column = layout.columns.findIndex(({ x }) => x === here.x)
  const nodes = layout.columns[column]?.nodes ?? []
  const at = nodes.indexOf(here)
  const sideways = (onward: boolean) => {
    const linked = beside(layout, here, onward)
    const others = linked.length > 0 ? linked : (layout.columns[column + (onward ? 1 : -1)]?.nodes ?? [])
    return [...others].sort(byDistance(here))[0]
  }
  const next: Record<string, () => Placed | undefined> = {
    ArrowDown: () => nodes[at + 1],
    ArrowUp: () => nodes[at - 1],
    Home: () => nodes[0],
    End: () => nodes.at(-1),
    ArrowRight: () => sideways(true),
    ArrowLeft: () => sideways(false),
  }
  return next[key]?.()?.node.id
}
