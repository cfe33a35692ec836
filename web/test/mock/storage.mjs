// Where the mock's workspace keeps its objects, and how it moves.

const server = { label: 'This server’s own storage (folder)', since: null, until: null, hasRun: true, locked: false, expiryDays: 0 }

const labels = {
  s3: ({ bucket, prefix }) => `Amazon S3, bucket ${bucket}${prefix ? `, prefix ${prefix}/` : ''}`,
  gcs: ({ bucket, prefix }) => `Google Cloud Storage, bucket ${bucket}${prefix ? `, prefix ${prefix}/` : ''}`,
  azure: ({ accountName, container }) => `Azure Blob Storage, account ${accountName}, container ${container}`,
}

const labelOf = (store, slug) => {
  const document = store.documents.storages.get(slug)
  return document ? labels[document.spec.type](document.spec.configuration) : server.label
}

export const storageStatus = (store, slug, spec, lastTest) => {
  const inUse = store.storage.slug === slug
  return { label: labels[spec.type](spec.configuration), inUse, hasRun: inUse, lastTest }
}

const place = (store) => {
  const { slug, since } = store.storage
  return slug === undefined ? { ...server, since } : { ...server, slug, type: store.documents.storages.get(slug)?.spec.type, label: labelOf(store, slug), since }
}

export const overview = (store) => ({ current: place(store), server, history: store.storage.history, switch: store.storage.switch })

export const syncs = (store) =>
  store.list('syncs').map(({ metadata, spec, status }) => {
    const ran = status.lastRun !== null
    const moved = store.storage.moved.has(metadata.slug)
    const standing = !ran || spec.mode === 'snapshot' ? 'none' : moved ? 'moved' : 'ready'
    return {
      slug: metadata.slug, name: metadata.name, mode: spec.mode, standing, moves: standing === 'ready', running: false, disabled: spec.disabled === true,
      settledAt: standing === 'none' ? null : status.lastRun.finishedAt, advice: ['insert', 'trigger'].includes(spec.mode) ? 'resetCDC' : 'fullResync',
    }
  })

const states = ['checking', 'waiting', 'validating', 'resuming', 'cleaning', 'done']

/** Begins a move, which goes on by itself. */
export function begin(store, { to, abandon = false }, step) {
  const sw = {
    id: store.id(), slug: to || undefined, from: place(store).label, to: to ? labelOf(store, to) : server.label, state: 'checking', reverting: false, cancelled: false, abandon,
    running: 0, by: 'admin@example.com', error: null, createdAt: new Date().toISOString(), finishedAt: null,
  }
  store.storage.switch = sw
  const next = () => {
    if (store.storage.switch !== sw || sw.state === 'cancelled') return
    sw.state = states[states.indexOf(sw.state) + 1]
    sw.running = sw.state === 'waiting' ? 2 : 0
    if (sw.state === 'validating') use(store, to || undefined)
    if (sw.state === 'done') sw.finishedAt = new Date().toISOString()
    else setTimeout(next, step)
  }
  setTimeout(next, step)
  return sw
}

function use(store, slug) {
  const now = new Date().toISOString()
  store.storage.history = [{ ...place(store), until: now }, ...store.storage.history]
  for (const { slug: sync, standing } of syncs(store)) if (standing === 'ready') store.storage.moved.add(sync)
  Object.assign(store.storage, { slug, since: now })
}

export function cancel(store) {
  const sw = store.storage.switch
  Object.assign(sw, { state: 'cancelled', cancelled: true, finishedAt: new Date().toISOString() })
  return sw
}

/** A full resync or CDC reset answers a sync that asks. */
export function answered(store, slug, { fullResync, resetCDC }) {
  if (fullResync || resetCDC) store.storage.moved.delete(slug)
}
