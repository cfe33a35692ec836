import { describe, expect, it } from 'vitest'
import type { Lineage, LineageKind } from '~/services/types'
import { layOut, lineOf, nodeHeight, spread } from './layout'

const node = (id: string) => {
  const [kind, slug] = id.split('/') as [LineageKind, string]
  return { id, kind, slug, name: slug }
}

const graph = (...edges: [string, string][]): Lineage => ({
  nodes: [...new Set(edges.flat())].map(node),
  edges: edges.map(([from, to]) => ({ from, to })),
})

/** How often two edges between the same columns cross. */
function crossings(g: Lineage): number {
  const { edges } = layOut(g)
  let n = 0
  for (const a of edges) {
    for (const b of edges) {
      if (a.from.x === b.from.x && a.to.x === b.to.x && a.from.y < b.from.y && a.to.y > b.to.y) n++
    }
  }
  return n
}

describe('layOut', () => {
  it('puts each kind into a column from sources to destinations, and leaves out columns that are empty', () => {
    const made = layOut(graph(['source/a', 'model/m'], ['model/m', 'sync/s'], ['sync/s', 'destination/d']))
    expect(made.columns.map(({ kind }) => kind)).toEqual(['source', 'model', 'sync', 'destination'])
    expect(new Set(made.columns.map(({ x }) => x)).size).toBe(4)
    expect([...made.placed.values()].map(({ y }) => y)).toEqual([0, 0, 0, 0])
  })

  it('orders nodes so that edges which need not cross do not', () => {
    expect(crossings(graph(['model/a', 'sync/z'], ['model/b', 'sync/y'], ['model/c', 'sync/x'], ['sync/x', 'destination/m'], ['sync/y', 'destination/k'], ['sync/z', 'destination/l']))).toBe(0)
  })

  it('never lets two nodes of a column overlap, and begins at the top', () => {
    const edges: [string, string][] = []
    for (let i = 0; i < 120; i++) edges.push([`source/${i % 3}`, `model/${i}`], [`model/${i}`, `sync/${i}`], [`sync/${i}`, `destination/${i % 7}`], [`sequence/${i % 5}`, `sync/${i}`])
    const made = layOut(graph(...edges))
    for (const { nodes } of made.columns) {
      for (const [i, { y }] of nodes.entries()) expect(y - (nodes[i - 1]?.y ?? -Infinity)).toBeGreaterThan(nodeHeight)
    }
    expect(Math.min(...[...made.placed.values()].map(({ y }) => y))).toBe(0)
    expect(made.edges).toHaveLength(480)
  })

  it('leads lines past the documents of a column that they have nothing to do with', () => {
    const edges: [string, string][] = []
    for (let i = 0; i < 30; i++) edges.push([`model/${i % 11}`, `sync/${i}`], [`sequence/${i % 7}`, `sync/${i}`])
    const made = layOut(graph(...edges))
    const sequences = made.columns.find(({ kind }) => kind === 'sequence')?.nodes ?? []
    const passing = made.edges.flatMap(({ via }) => via)
    expect(passing).toHaveLength(30)
    for (const { x, y } of passing) {
      expect(x).toBe(sequences[0]?.x)
      for (const sequence of sequences) expect(Math.abs(y - sequence.y - nodeHeight / 2)).toBeGreaterThan(nodeHeight / 2)
    }
    // The lines of one document pass together, and those of two never on top of each other.
    expect(new Set(passing.map(({ y }) => y)).size).toBe(11)
  })

  it('places what nothing hangs on, and nothing at all', () => {
    expect(layOut({ nodes: [node('source/a'), node('source/b')], edges: [] }).columns[0]?.nodes.map(({ y }) => y)).toEqual([0, 60])
    expect(layOut({ nodes: [], edges: [] })).toMatchObject({ width: 0, height: 0 })
  })

  it('leaves out an edge whose document is not there', () => {
    expect(layOut({ nodes: [node('model/a')], edges: [{ from: 'model/a', to: 'sync/gone' }] }).edges).toEqual([])
  })
})

it('spreads what would overlap around where it is wanted', () => {
  expect(spread([0, 100], [0, 10])).toEqual([0, 100])
  expect(spread([50, 50, 50], [0, 10, 10])).toEqual([40, 50, 60])
  expect(spread([0, 50, 45], [0, 10, 10])).toEqual([0, 42.5, 52.5])
  expect(spread([50, 50, 50], [0, 5, 20])).toEqual([40, 45, 65])
})

it('draws an edge from the right side of one to the left side of the other', () => {
  const { edges } = layOut(graph(['source/a', 'model/b']))
  expect(edges.map(lineOf)).toEqual(['M196 23C226 23 222 23 252 23'])
})

it('draws an edge straight through the columns that it passes', () => {
  const { edges } = layOut(graph(['model/a', 'sync/b'], ['sequence/c', 'sync/b']))
  expect(edges.map(lineOf)[0]).toMatch(/^M196 [\d.]+C[^H]+ 252 ([\d.]+)H448C478 \1 /)
})
