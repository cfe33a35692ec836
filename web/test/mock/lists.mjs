// Lists, folders, saved filters and bulk changes of the mock.

const inside = (folder, path) => folder === path || Boolean(folder?.startsWith(`${path}/`))

/** What a document is sorted by. */
const sorters = {
  name: (d) => d.metadata.name.toLowerCase(),
  slug: (d) => d.metadata.slug,
  createdAt: (d) => d.metadata.createdAt,
  updatedAt: (d) => d.metadata.updatedAt,
  createdBy: (d) => d.metadata.createdBy,
  folder: (d) => d.metadata.folder ?? '',
  model: (d) => d.status.model?.name.toLowerCase() ?? '',
  destination: (d) => d.status.destination?.name.toLowerCase() ?? '',
  source: (d) => d.status.source?.name.toLowerCase() ?? '',
  status: (d) => d.status.state ?? '',
  lastRun: (d) => d.status.lastRun?.startedAt ?? '',
}

const hasLabel = (doc, text) => doc.metadata.labels?.[text.slice(0, text.indexOf(':'))] === text.slice(text.indexOf(':') + 1)

function matches(store, doc, query) {
  const get = (name) => query.get(name)
  const any = (name, value) => !query.has(name) || query.getAll(name).includes(value)
  const search = get('search')?.toLowerCase()
  if (search && !`${doc.metadata.name} ${doc.metadata.slug}`.toLowerCase().includes(search)) return false
  const { alerts } = doc.status
  if (get('alerts') && !{ any: alerts.active > 0, critical: alerts.critical > 0, warning: alerts.warning > 0, none: alerts.active === 0 }[get('alerts')]) return false
  if (get('folder') && !inside(doc.metadata.folder, get('folder'))) return false
  if (!query.getAll('label').every((text) => hasLabel(doc, text)) || query.getAll('notLabel').some((text) => hasLabel(doc, text))) return false
  if (get('duplicates') && (get('duplicates') === 'true') !== (doc.metadata.slug === 'vip-customers')) return false
  const source = doc.spec.source ?? doc.status.source?.slug
  const sourceType = store.documents.sources.get(source)?.spec.type
  return (
    any('type', doc.spec.type) && any('status', doc.status.state) && any('createdBy', doc.metadata.createdBy) && any('source', source) && any('sourceType', sourceType) &&
    any('destination', doc.spec.destination) && any('model', doc.spec.model) && any('method', doc.spec.method)
  )
}

/** Every document of a kind that a query chooses, in its order. */
export function chosen(store, kind, query) {
  const sort = query.get('sort') ?? 'name'
  const key = sorters[sort.replace('-', '')] ?? sorters.name
  const sign = sort.startsWith('-') ? -1 : 1
  const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0)
  return store
    .list(kind)
    .filter((doc) => matches(store, doc, query))
    .sort((a, b) => sign * order(key(a), key(b)))
}

export const select = (store, kind, query) => {
  const items = chosen(store, kind, query).map(({ metadata: { slug, name } }) => ({ slug, name }))
  return { items, nextCursor: null, total: items.length }
}

export function facets(store, kind) {
  const labels = new Map()
  const creators = new Map()
  for (const { metadata } of store.documents[kind].values()) {
    creators.set(metadata.createdBy, (creators.get(metadata.createdBy) ?? 0) + 1)
    for (const [key, value] of Object.entries(metadata.labels ?? {})) labels.set(`${key}:${value}`, { key, value, count: (labels.get(`${key}:${value}`)?.count ?? 0) + 1 })
  }
  return { labels: [...labels.values()].sort((a, b) => (a.key + a.value < b.key + b.value ? -1 : 1)), creators: [...creators].map(([email, count]) => ({ email, count })) }
}

const filed = ['syncs', 'models', 'sequences', 'sources', 'destinations']
const above = (path) => path.split('/').map((_, i, parts) => parts.slice(0, i + 1).join('/'))
const every = (store) => filed.flatMap((kind) => [...store.documents[kind].values()])

/** The tree: the folders that were made, those that documents name, and those that these lie in. */
export function folders(store) {
  const all = new Map()
  const folder = (path) => {
    for (const one of above(path)) if (!all.has(one)) all.set(one, { path: one, count: 0, kinds: {} })
    return all.get(path)
  }
  for (const path of store.folders) folder(path)
  for (const { kind, metadata } of every(store)) {
    if (!metadata.folder) continue
    const f = folder(metadata.folder)
    f.count += 1
    f.kinds[kind] = (f.kinds[kind] ?? 0) + 1
  }
  const items = [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  return { items, nextCursor: null, total: items.length }
}

export function createFolder(store, { path }, refuse) {
  if (folders(store).items.some((f) => f.path === path)) throw refuse(409, `there is a folder "${path}" already`)
  store.folders.add(path)
  return [201, { path, count: 0, kinds: {} }]
}

export function moveFolder(store, { path, to }, refuse) {
  if (folders(store).items.some((f) => f.path === to)) throw refuse(409, `there is a folder "${to}" already`)
  const moved = (folder) => (inside(folder, path) ? to + folder.slice(path.length) : folder)
  store.folders = new Set([...store.folders].map(moved))
  for (const { metadata } of every(store)) metadata.folder = metadata.folder && moved(metadata.folder)
  return [204]
}

export function deleteFolder(store, query) {
  const path = query.get('path')
  store.folders = new Set([...store.folders].filter((folder) => !inside(folder, path)))
  for (const kind of filed) {
    for (const [slug, { metadata }] of store.documents[kind]) {
      if (!inside(metadata.folder, path)) continue
      if (query.get('documents') === 'true') store.documents[kind].delete(slug)
      else metadata.folder = null
    }
  }
  return [204]
}

export const savedFilters = (store, kind) => ({ items: store.savedFilters.filter((f) => f.kind === kind), nextCursor: null, total: 0 })

export function saveFilter(store, body, refuse) {
  if (store.savedFilters.some((f) => f.kind === body.kind && f.own && f.name === body.name)) throw refuse(409, `you have a filter "${body.name}" already`)
  const filter = { id: store.id(), shared: false, own: true, createdAt: new Date().toISOString(), createdBy: 'Admin', ...body }
  store.savedFilters.push(filter)
  return [201, filter]
}

export const changeFilter = (store, id, body) => Object.assign(store.savedFilters.find((f) => f.id === Number(id)), body)
export const dropFilter = (store, id) => ((store.savedFilters = store.savedFilters.filter((f) => f.id !== Number(id))), [204])

/** Does something with many; what refuses is answered by itself. */
export function bulk(store, body, { act, remove, references }) {
  const one = (slug) => {
    const doc = store.documents[body.kind].get(slug)
    if (!doc) return { code: 'resource.not_found', message: `there is no ${body.kind.slice(0, -1)} "${slug}"` }
    if (body.action === 'delete') {
      const users = references(body.kind, slug)
      if (users.length > 0) return { code: 'resource.referenced', message: `the ${doc.kind} "${slug}" is used by ${users.map((u) => `${u.kind} "${u.slug}"`).join(', ')}` }
      if (!body.dryRun) remove(body.kind, slug)
    } else if (body.action === 'file') {
      doc.metadata.folder = body.folder || null
      if (body.kind === 'syncs') store.documents.models.get(doc.spec.model).metadata.folder = body.folder || null
    } else if (body.action === 'label') {
      for (const text of body.drop ?? []) if (hasLabel(doc, text)) delete doc.metadata.labels[text.slice(0, text.indexOf(':'))]
      Object.assign(doc.metadata.labels, body.labels)
    } else act(body.kind, slug, body.action)
    return null
  }
  const results = body.slugs.map((slug) => ({ slug, error: one(slug) }))
  return { done: results.filter(({ error }) => error === null).length, results }
}

/** Fills the mock with many more syncs. */
export function more(store, n) {
  const models = [...store.documents.models.keys()]
  const destinations = [...store.documents.destinations.keys()]
  for (let i = 0; i < n; i++) {
    store.put(
      'syncs',
      `Bulk sync ${String(i).padStart(4, '0')}`,
      { model: models[i % models.length], destination: destinations[i % destinations.length], disabled: i % 5 === 0, schedule: { type: 'manual' }, type: 'table', mode: 'upsert', mappings: [] },
      { slug: `bulk-${i}`, folder: ['Sales', 'Sales/EU', 'Sales/US', 'Marketing', null][i % 5], labels: { region: ['eu', 'us', 'apac'][i % 3] }, createdAt: new Date(Date.now() - i * 60_000).toISOString() },
    )
  }
}
