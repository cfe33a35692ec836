// How the documents of the stand-in hang together.

const kinds = ['source', 'model', 'sequence', 'sync', 'destination']

function edgesOf({ kind, metadata: { slug }, spec }) {
  const own = `${kind}/${slug}`
  if (kind === 'model') return [{ from: `source/${spec.source}`, to: own }]
  if (kind === 'sync') return [{ from: `model/${spec.model}`, to: own }, { from: own, to: `destination/${spec.destination}` }]
  if (kind === 'sequence') return spec.steps.map((step) => ({ from: own, to: `sync/${step.sync}` }))
  return []
}

function reach(edges, start, from, to, reached) {
  reached.add(start)
  for (const edge of edges) if (edge[from] === start) reach(edges, edge[to], from, to, reached)
}

/** The graph of all documents, or of what hangs on one. */
export function lineage(store, kind, slug) {
  const documents = kinds.flatMap((one) => store.list(`${one}s`))
  const nodes = documents.map((doc) => ({
    id: `${doc.kind}/${doc.metadata.slug}`, kind: doc.kind, slug: doc.metadata.slug, name: doc.metadata.name,
    ...(doc.kind === 'source' || doc.kind === 'destination' ? { type: doc.spec.type } : {}),
    ...(doc.kind === 'sync' || doc.kind === 'sequence' ? { state: doc.status.state, label: doc.status.label } : {}),
  }))
  const edges = documents.flatMap(edgesOf)
  if (!kind) return { nodes, edges }
  const kept = new Set()
  const both = (id) => (reach(edges, id, 'from', 'to', kept), reach(edges, id, 'to', 'from', kept))
  both(`${kind}/${slug}`)
  for (const id of [...kept]) if (id.startsWith('sync/')) both(id)
  return { nodes: nodes.filter(({ id }) => kept.has(id)), edges: edges.filter(({ from, to }) => kept.has(from) && kept.has(to)) }
}
