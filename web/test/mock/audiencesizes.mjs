// What the mock's ad platform tells of its audiences.

/** A source of this name cannot be written to. */
const denied = 'denied'

const audiences = [
  { account: '17', audience: '101', name: 'VIP customers', size: 4900, status: 'Normal', link: 'https://adsmanager.facebook.com/adsmanager/audiences?act=17' },
  { account: '17', audience: '102', name: 'Few people', size: null, status: 'This audience is too small.', link: 'https://adsmanager.facebook.com/adsmanager/audiences?act=17' },
]

/** The destination's looks, the newest first; one has been made as soon as its page was opened. */
const looksOf = (store, { metadata, spec }) => {
  store.looks ??= new Map()
  const looks = store.looks.get(metadata.slug) ?? []
  if (looks.length === 0 || looks[0].revision !== metadata.revision) look(store, { metadata, spec })
  return store.looks.get(metadata.slug)
}

/** Looks at the audiences now. */
export function look(store, { metadata, spec }) {
  const on = spec.audienceSizes?.enabled === true
  const source = on ? store.documents.sources.get(spec.audienceSizes.source) : undefined
  const failed = source?.spec.configuration.auditSchema === denied
  const error = failed
    ? { code: 'source.permission_denied', message: `writing in the schema "${denied}": ERROR: permission denied for schema ${denied} (SQLSTATE 42501)`, suggestion: 'Test the source’s connection: it names the grant that is missing.' }
    : null
  const before = store.looks?.get(metadata.slug) ?? []
  const made = { revision: metadata.revision, at: new Date(Date.now() + before.length).toISOString(), audiences: failed ? 0 : audiences.length, writtenTo: on && !failed ? tableOf(source, metadata) : undefined, error }
  store.looks.set(metadata.slug, [made, ...before])
}

const schemaOf = (source) => source.spec.configuration.auditSchema ?? 'millrace_audit'
const tableOf = (source, metadata) => `${schemaOf(source)}.meta_${metadata.id}_audiences`

/** How the report of a destination stands. */
export function audienceSizes(store, destination, info) {
  const { metadata, spec } = destination
  const source = spec.audienceSizes && store.documents.sources.get(spec.audienceSizes.source)
  const looks = info?.audiences ? looksOf(store, destination) : []
  return {
    supported: info?.audiences !== undefined,
    enabled: spec.audienceSizes?.enabled === true,
    source: source ? { slug: source.metadata.slug, name: source.metadata.name, type: source.spec.type } : null,
    table: source && tableOf(source, metadata),
    view: source && `${schemaOf(source)}.external_audiences_metadata_v1`,
    state: looks[0]?.error ? 'failed' : looks.length > 0 ? 'done' : 'waiting',
    checkedAt: looks[0]?.at ?? null,
    nextAt: new Date(Date.now() + 86_400_000).toISOString(),
    error: looks[0]?.error ?? null,
    looks: looks.map(({ revision: _, ...rest }) => rest),
  }
}

/** The audiences of a destination; the first one is filled by its first sync. */
export function audiencesOf(store, { metadata }) {
  const sync = store.list('syncs').find(({ spec }) => spec.destination === metadata.slug)
  const items = audiences.map((one, i) => ({ ...one, sync: i === 0 && sync ? { slug: sync.metadata.slug, name: sync.metadata.name } : null }))
  return { items, total: items.length, nextCursor: null }
}

/** The matched users of a sync. */
export function matchedUsers(sync, info) {
  const supported = info?.audiences?.syncTypes.includes(sync.spec.type) === true
  const [{ size, ...audience }] = audiences
  const match = (at, matched) => ({ ...audience, at, matched, members: 7000, percent: (100 * matched) / 7000 })
  const history = supported ? [match('2026-11-24T08:00:00.000Z', size), match('2026-11-23T08:00:00.000Z', 2100)] : []
  return { supported, settlesHours: 48, newest: history[0] ?? null, history, nextAt: new Date(Date.now() + 86_400_000).toISOString(), error: null }
}
