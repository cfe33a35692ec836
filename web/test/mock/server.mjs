// A stand-in for the Go server: the API of the web app with made-up data, and the built web app under
// the content security policy that the real server sends. Flags: --port 8485, --empty, --step 700.
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { alertsOf, channelTypes, historyOf, testChannel, triggerTypes } from './alerts.mjs'
import { lineage } from './lineage.mjs'
import { monitorTypes, testMonitor } from './monitors.mjs'
import * as catalog from './catalog.mjs'
import { exchange, modelColumns, preview, rowColumns, runRow, tables, testedRow, testRows } from './data.mjs'
import { cancel, days, start } from './runs.mjs'
import { cancelSequence, preview as previewSchedule, startSequence } from './sequences.mjs'
import * as network from './network.mjs'
import * as lists from './lists.mjs'
import * as moves from './storage.mjs'
import { Store } from './store.mjs'
import { audienceSizes, audiencesOf, look, matchedUsers } from './audiencesizes.mjs'
import { eventQuality } from './eventquality.mjs'
import { syncLogs } from './synclogs.mjs'
import * as tools from './tools.mjs'
import { functions, properties, tryMapping } from './templates.mjs'

const { values: flags } = parseArgs({
  options: { port: { type: 'string', default: '8485' }, empty: { type: 'boolean', default: false }, step: { type: 'string', default: '700' } },
})
let store = new Store(flags.empty)
let step = Number(flags.step)
const dist = fileURLToPath(new URL('../../dist/', import.meta.url))

export const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

const session = {
  user: { id: 1, email: 'admin@example.com', name: 'Admin', role: 'admin' },
  workspace: { id: 1, slug: 'default', name: 'Main', region: 'eu-central-1' },
  csrfToken: 'mock-csrf-token',
}
const codes = { 400: 'input.malformed', 401: 'access.unauthenticated', 403: 'access.csrf', 404: 'resource.not_found', 409: 'resource.conflict', 422: 'input.invalid' }

/** The workspaces of the person, of whom one is entered. */
let workspaces = []
const resetWorkspaces = () => {
  workspaces = [
    { id: 1, slug: 'default', name: 'Main', region: 'eu-central-1', role: 'admin' },
    { id: 2, slug: 'emea', name: 'Europe, Middle East and Africa: marketing, sales and support of all brands together', role: 'admin' },
    { id: 3, slug: 'sandbox', name: 'Sandbox', region: 'us-east-1', role: 'admin' },
  ]
  session.workspace = { id: 1, slug: 'default', name: 'Main', region: 'eu-central-1' }
}
resetWorkspaces()

class Refusal extends Error {
  constructor(status, message, more = {}) {
    super(message)
    this.status = status
    this.body = { error: { code: codes[status], message, requestId: 'req-mock', ...more } }
  }
}

const missing = (what) => new Refusal(404, `there is no ${what}`, { suggestion: 'Check the name.' })
const kinds = 'sources|models|destinations|syncs|sequences|alert-channels|storages|tunnels|credentials|monitors|bi-tools|orchestrators|dbt-projects'

function document(kind, slug) {
  const found = store.get(kind, slug)
  if (!found) throw missing(`${kind.slice(0, -1)} ${slug}`)
  return found
}

function run(id) {
  const found = store.runs.find((r) => r.id === Number(id))
  if (!found) throw missing(`run ${id}`)
  return found
}

function sequenceRun(id) {
  const found = store.sequenceRuns.find((r) => r.id === Number(id))
  if (!found) throw missing(`run ${id} of a sequence`)
  return found
}

const list = (kind, query) => page(lists.chosen(store, kind, query), query)

function page(items, query) {
  const from = Number(query.get('cursor') ?? 0)
  const limit = Number(query.get('limit') ?? 50)
  const next = from + limit < items.length ? String(from + limit) : null
  return { items: items.slice(from, from + limit), nextCursor: next, total: items.length }
}

function refused(kind, body) {
  const issues = []
  if (!body.metadata?.name) issues.push({ code: 'input.required', message: 'name is required', path: 'metadata.name' })
  if (kind === 'syncs' && body.spec.settings?.filename === 'bad') {
    issues.push({ code: 'input.invalid', message: 'The name has no extension', path: 'spec.settings.filename' })
  }
  return issues
}

function create(kind, body) {
  const [first, ...rest] = refused(kind, body)
  if (first) throw new Refusal(422, first.message, { ...first, issues: [first, ...rest] })
  const made = store.put(kind, body.metadata.name, body.spec, ['sources', 'destinations', 'storages', 'credentials'].includes(kind) ? { lastTest: { ok: true, at: new Date().toISOString() } } : {})
  return [201, store.get(kind, made.metadata.slug)]
}

function update(kind, slug, body) {
  document(kind, slug)
  const kept = store.documents[kind].get(slug)
  if (body.metadata.revision !== kept.metadata.revision) {
    throw new Refusal(409, `${slug} has changed since it was read`, { code: 'resource.stale_revision', suggestion: 'Load it again and repeat the change.' })
  }
  const { name, labels, folder } = body.metadata
  Object.assign(kept.metadata, { name, labels, folder, revision: kept.metadata.revision + 1, updatedAt: new Date().toISOString() })
  kept.spec = body.spec
  return store.get(kind, slug)
}

const referring = { sources: ['models', 'source'], models: ['syncs', 'model'], destinations: ['syncs', 'destination'] }

function references(kind, slug) {
  if (kind === 'syncs') {
    const users = store.list('sequences').filter((d) => d.spec.steps.some((step) => step.sync === slug))
    return users.map((d) => ({ kind: d.kind, slug: d.metadata.slug, name: d.metadata.name }))
  }
  if (kind === 'tunnels') return [...store.list('sources'), ...store.list('destinations')].filter((d) => d.spec.tunnel === slug).map((d) => ({ kind: d.kind, slug: d.metadata.slug, name: d.metadata.name }))
  if (kind === 'alert-channels') return store.users(slug).map((d) => ({ kind: d.kind, slug: d.metadata.slug, name: d.metadata.name }))
  const [from, name] = referring[kind] ?? []
  if (!from) return []
  return store.list(from).filter((d) => d.spec[name] === slug).map((d) => ({ kind: d.kind, slug: d.metadata.slug, name: d.metadata.name }))
}

function remove(kind, slug) {
  document(kind, slug)
  const names = references(kind, slug).map((r) => `${r.kind} ${r.name}`)
  if (names.length > 0) {
    throw new Refusal(409, `${slug} is used by ${names.join(', ')}`, { code: 'resource.referenced', suggestion: 'Remove what refers to it first.' })
  }
  store.documents[kind].delete(slug)
  return [204]
}

/** What a storage says that does not let us in, or lets us. */
function testStorage({ configuration }) {
  const name = configuration.bucket ?? configuration.container ?? ''
  if (!/denied/.test(name)) return { ok: true, durationMs: 180 }
  const message = `storing probe/5d41402abc4b2a76: operation error S3: PutObject, https response error StatusCode: 403, api error AccessDenied: Access Denied`
  const suggestion = `Allow this identity s3:PutObject on arn:aws:s3:::${name}/*, and the use of the key where the bucket is encrypted with SSE-KMS. This server connects from 192.0.2.7.`
  return { ok: false, error: { code: 'storage.permission_denied', message, suggestion }, durationMs: 240 }
}

function testConnection({ type, configuration }) {
  const host = configuration.host ?? configuration.path ?? ''
  if (/wrong|nowhere/.test(host)) {
    const message = type === 'postgres' ? `failed to connect to host=${host} user=${configuration.user}: hostname resolving error: lookup ${host}: no such host` : `stat ${host}: no such file or directory`
    return { ok: false, error: { code: 'source.unreachable', message, suggestion: 'Check host, port and firewall, then test the connection again.' }, durationMs: 5012 }
  }
  return { ok: true, durationMs: 42 }
}

/** The ad accounts that a token reaches; none before there is one. */
function accountsOf({ token }) {
  if (token === 'wrong') throw new Refusal(422, 'Invalid OAuth access token.', { code: 'destination.authentication', suggestion: 'Check the credentials.' })
  return { items: token ? [{ value: '17', label: 'Shoes' }, { value: '18', label: 'Hats' }] : [] }
}

/** The files of every source of files. */
function listFiles(prefix) {
  const all = ['exports/people-1.csv', 'exports/people-2.csv', 'orders.json']
  const items = all.filter((path) => path.startsWith(prefix)).map((path) => ({ path, size: 2048, modified: '2026-11-01T08:00:00Z' }))
  return { items, more: false }
}

function previewModel(body) {
  document('sources', body.source)
  const answer = preview(body)
  if (answer.refused) {
    throw new Refusal(422, answer.refused, { code: 'source.query_failed', suggestion: "Correct the model's query; the message is the source's own.", ...answer.place })
  }
  return answer
}

/** Where the columns of a model are used. */
function uses(slug) {
  const model = document('models', slug)
  const names = new Set(model.spec.columns.map((c) => c.name))
  const of = (doc, column, path) => ({ column, known: names.has(column), kind: doc.kind, slug: doc.metadata.slug, name: doc.metadata.name, path })
  const syncs = store.list('syncs').filter((s) => s.spec.model === slug)
  const items = [
    of(model, model.spec.primaryKey, 'spec.primaryKey'),
    ...syncs.flatMap((sync) => [
      ...(sync.spec.match ?? []).map((m, i) => of(sync, m.from, `spec.match[${i}].from`)),
      ...(sync.spec.mappings ?? []).filter((m) => m.from).map((m, i) => of(sync, m.from, `spec.mappings[${i}].from`)),
    ]),
  ]
  return { items, nextCursor: null, total: items.length }
}

/** Reads a model's columns anew; with adopt they become the model's. */
function refreshModel(slug, { adopt = false }) {
  document('models', slug)
  const kept = store.documents.models.get(slug)
  const drift = store.drifts.get(slug)
  if (drift && adopt) {
    const renamed = new Map(drift.renamed.map(({ from, to }) => [from, to]))
    const gone = new Set(drift.removed.map((c) => c.name))
    const retyped = new Map(drift.retyped.map((c) => [c.name, c.to]))
    kept.spec.columns = kept.spec.columns
      .filter((c) => !gone.has(c.name))
      .map((c) => ({ ...c, name: renamed.get(c.name) ?? c.name, type: retyped.get(c.name) ?? c.type }))
      .concat(drift.added)
    kept.metadata.revision++
    store.drifts.delete(slug)
  }
  return store.get('models', slug)
}

function refreshSource(slug) {
  document('sources', slug)
  const models = store.list('models').filter((m) => m.spec.source === slug)
  return {
    tables: tables.length,
    refreshedAt: new Date().toISOString(),
    models: models.map(({ metadata, status }) => ({ slug: metadata.slug, name: metadata.name, drifted: status.drift !== null })),
  }
}

function clone(slug, { metadata, spec, syncs }) {
  document('models', slug)
  if (store.list('models').some((m) => m.metadata.name === metadata.name)) {
    throw new Refusal(409, `there is a model called "${metadata.name}" already`, { path: 'metadata.name', suggestion: 'Choose another name for the clone.' })
  }
  const made = store.put('models', metadata.name, spec, { folder: metadata.folder, labels: metadata.labels })
  const copies = syncs.map((name) => {
    const original = document('syncs', name)
    return store.put('syncs', `Copy of ${original.metadata.name}`, { ...original.spec, model: made.metadata.slug, disabled: true })
  })
  return [201, { model: store.get('models', made.metadata.slug), syncs: copies.map((c) => store.get('syncs', c.metadata.slug)) }]
}

const normal = (name) => name.toLowerCase().replace(/[^a-z]/g, '')

function suggest({ model, fields }) {
  const columns = document('models', model).spec.columns
  const alike = { lifetimevalue: 'ltv' }
  const pair = (to) => columns.find((c) => normal(c.name) === normal(to) || c.name === alike[normal(to)])
  return { mappings: fields.flatMap((to) => (pair(to) ? [{ to, from: pair(to).name, score: 1 }] : [])) }
}

function logsOf(kind, slug) {
  const sync = kind === 'syncs' ? document('syncs', slug) : undefined
  const source = document('sources', sync ? document('models', sync.spec.model).spec.source : slug)
  return syncLogs(store, source, sync, catalog.sources.find((info) => info.slug === source.spec.type))
}

const destinationInfo = (destination) => catalog.destinations.find((info) => info.slug === destination.spec.type)

function sizesOf(slug) {
  const destination = document('destinations', slug)
  return audienceSizes(store, destination, destinationInfo(destination))
}

function matchesOf(slug) {
  const sync = document('syncs', slug)
  return matchedUsers(sync, destinationInfo(document('destinations', sync.spec.destination)))
}

function qualityOf(slug, query) {
  const answer = eventQuality(store, document('syncs', slug), query.get('refresh') === 'true')
  if (answer.code !== undefined) throw new Refusal(422, answer.message, answer)
  return answer
}

function enable(slug, enabled, kind = 'syncs') {
  document(kind, slug)
  store.documents[kind].get(slug).spec.disabled = !enabled
  return store.get(kind, slug)
}

const total = ({ added, changed, removed }) => added + changed + removed

function runs(slug, query) {
  const all = store.runsOf(slug)
  const counted = { true: 'planned', succeeded: 'succeeded' }[query.get('nonEmpty')]
  const part = page(counted ? all.filter((r) => total(r[counted]) > 0) : all, query)
  return { ...part, total: part.items.length }
}

const firstOrdinal = { failed: 0, succeeded: 20, aborted: 500 }

/** The rows of a run with one of the statuses; all of them where there is none. */
function rowsOf(id, query) {
  const of = run(id)
  const statuses = query.getAll('status')
  const found = []
  for (const status of ['failed', 'succeeded', 'aborted']) {
    if (statuses.length > 0 && !statuses.includes(status)) continue
    let ordinal = firstOrdinal[status]
    for (const operation of ['removed', 'changed', 'added']) {
      const n = Math.min(400, of[status][operation])
      for (let i = 0; i < n; i++, ordinal++) {
        if ((query.get('operation') ?? operation) === operation) found.push(runRow(ordinal, status, operation))
      }
    }
  }
  const key = query.get('key')
  return key ? found.filter((row) => row.key === key) : found
}

function rows(id, query) {
  const part = page(rowsOf(id, query), query)
  return { ...part, total: part.items.length, columns: part.items.length > 0 ? rowColumns : [] }
}

function row(id, ordinal) {
  const found = rowsOf(id, new URLSearchParams()).find((r) => r.ordinal === ordinal)
  if (!found) throw missing(`row ${ordinal}`)
  return { ...found, columns: rowColumns }
}

function exported(id, format, query) {
  const found = rowsOf(id, query)
  const lines = [['primary_key', 'operation', 'status', 'error', ...rowColumns], ...found.map((r) => [r.key, r.operation, r.status, r.reason, ...rowColumns.map((name) => r.values[name])])]
  const csv = lines.map((line) => line.map((cell) => `"${String(cell).replaceAll('"', '""')}"`).join(',')).join('\n')
  const type = format === 'csv' ? 'text/csv; charset=utf-8' : 'application/json'
  return [200, format === 'csv' ? csv : found, { 'Content-Type': type, 'Content-Disposition': `attachment; filename="run-${id}.${format}"` }]
}

/** A document as it is kept, with what is not shown of it. */
function kept(kind, slug) {
  document(kind, slug)
  return store.documents[kind].get(slug)
}

function biSql(item) {
  const sql = tools.biSql(item)
  if (sql === undefined) throw new Refusal(422, 'Looker has no such Look, or is not available', { code: 'bi.not_found', suggestion: 'Choose another Look, or publish this one again.' })
  return { sql }
}

function connect(slug) {
  const answer = tools.connect(kept('orchestrators', slug))
  if (answer === undefined) throw new Refusal(422, 'Fivetran refuses: access denied', { code: 'orchestrator.failed', suggestion: 'Use the key of an Account Administrator.' })
  return answer
}

function loadManifest(slug, body) {
  const manifest = tools.loadManifest(kept('dbt-projects', slug), body)
  if (manifest === undefined) throw new Refusal(422, 'this is no manifest of dbt', { code: 'dbt.invalid_manifest', suggestion: 'Load target/manifest.json.' })
  return manifest
}

const untestable = (why) => new Refusal(422, why, { code: 'run.untestable', suggestion: 'Run the sync to see what it sends.' })

function rowsToTest(slug, key) {
  const { spec } = document('syncs', slug)
  if (spec.type === 'file') throw untestable('this sync writes files, which are whole only with all rows of a run')
  const possible = { upsert: ['added', 'changed'], insert: ['added'], update: ['added', 'changed'], trigger: ['added', 'changed', 'removed'] }[spec.mode] ?? ['added']
  const found = testRows(key, spec.delete === 'delete' ? [...possible, 'removed'] : possible)
  if (key && found.rows.length === 0) {
    throw new Refusal(404, 'the model has no row with this primary key', { path: 'key', suggestion: 'The key is compared letter for letter; choose one of the model’s rows.' })
  }
  return found
}

function testRow(slug, body) {
  const { operations } = rowsToTest(slug, body.key)
  if (!operations.includes(body.operation)) throw untestable(`by its configuration this sync does nothing for rows that were ${body.operation}`)
  for (const [column, { type, value }] of Object.entries(body.values ?? {})) {
    if (type === 'timestamp' && Number.isNaN(Date.parse(value))) {
      throw new Refusal(422, 'a string value cannot be cast to timestamp', { code: 'model.cast_failed', path: `values.${column}` })
    }
  }
  return testedRow(body)
}

/** The fields in which two values differ, by their paths. */
function changes(path, from, to) {
  if (JSON.stringify(from ?? null) === JSON.stringify(to ?? null)) return []
  const both = [from, to].every((v) => typeof v === 'object' && v !== null && Array.isArray(v) === Array.isArray(from))
  if (!both) return [{ path, from: from ?? null, to: to ?? null }]
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])]
  return names.flatMap((name) => changes(Array.isArray(from) ? `${path}[${name}]` : `${path}.${name}`, from[name], to[name]))
}

/** Says what documents would change; the mock applies nothing. */
function apply({ documents }) {
  const results = documents.map(({ kind, metadata, spec }) => {
    const before = document(`${kind}s`, metadata.slug)
    const columns = new Set(modelColumns.map((c) => c.name))
    const issues = (spec.mappings ?? []).flatMap(({ from }, i) =>
      from === undefined || columns.has(from) ? [] : [{ code: 'mapping.unknown_field_name', message: `Unknown field name: the model has no column "${from}"`, path: `${kind} ${metadata.slug}: spec.mappings[${i}].from` }])
    if (issues.length > 0) throw new Refusal(422, issues[0].message, { ...issues[0], issues })
    return { kind, slug: metadata.slug, action: 'updated', changes: changes('spec', before.spec, spec) }
  })
  return { results }
}

function events(request, response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  response.write(': hello\n\n')
  const listener = (event, data) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  store.listeners.add(listener)
  request.on('close', () => store.listeners.delete(listener))
}

function enterWorkspace({ workspace }) {
  const found = workspaces.find(({ slug }) => slug === workspace)
  if (!found) throw missing(`workspace ${workspace}`)
  const { id, slug, name, region } = found
  session.workspace = { id, slug, name, region }
  return session
}

function newWorkspace({ name, slug = name.toLowerCase().replace(/[^a-z0-9]+/g, '-') }) {
  if (workspaces.some((w) => w.slug === slug)) throw new Refusal(409, `there is a workspace "${slug}" already`, { path: 'slug' })
  const made = { id: store.id(), slug, name, role: 'admin' }
  workspaces.push(made)
  return [201, { ...made, current: false }]
}

function newKey({ name }) {
  const key = { id: store.id(), name, prefix: 'mr_n3Wk', createdAt: new Date().toISOString(), createdBy: session.user.name, lastUsedAt: null }
  store.keys.push(key)
  return [201, { key, secret: 'mr_n3WkExampleSecretThatIsShownOnce' }]
}

function activity(kind, slug) {
  const { metadata } = document(kind, slug)
  const entry = (action, summary, at, revision) => ({ at, by: metadata.createdBy, action, summary, revision })
  const made = entry('created', `Created ${metadata.name}`, metadata.createdAt, 1)
  return { items: metadata.revision > 1 ? [entry('updated', 'Changed the configuration', metadata.updatedAt, metadata.revision), made] : [made], nextCursor: null, total: 1 }
}

function mute(slug, trigger, minutes) {
  store.mutes.set(`${slug} ${trigger}`, { until: minutes === undefined ? null : new Date(Date.now() + minutes * 60_000).toISOString() })
  return alertsOf(store, document('syncs', slug))
}

const refuse = (status, message) => new Refusal(status, message)

/** What a change of many does with one. */
const bulkActs = {
  references: (kind, slug) => references(kind, slug),
  remove: (kind, slug) => remove(kind, slug),
  act: (kind, slug, action) => {
    if (action !== 'run') return enable(slug, action === 'enable', kind)
    return kind === 'syncs' ? start(store, document(kind, slug), 'manual', {}, step) : startSequence(store, document(kind, slug), step)
  },
}

const routes = [
  ['GET', 'session', () => session],
  ['PUT', 'session', ({ body }) => enterWorkspace(body)],
  ['GET', 'workspaces', () => ({ items: workspaces.map((w) => ({ ...w, current: w.id === session.workspace.id })), nextCursor: null, total: workspaces.length })],
  ['POST', 'workspaces', ({ body }) => newWorkspace(body)],
  ['DELETE', 'session', () => [204, undefined, { 'Set-Cookie': 'millrace_session=; Max-Age=0; Path=/' }]],
  ['GET', 'keys', () => page(store.keys, new URLSearchParams())],
  ['POST', 'keys', ({ body }) => newKey(body)],
  ['DELETE', 'keys/(\\d+)', ({ params: [id] }) => ((store.keys = store.keys.filter((k) => k.id !== Number(id))), [204])],
  ['GET', 'catalog/(sources|destinations|storages|credentials)', ({ params: [kind] }) => ({ items: catalog[kind] })],
  ['GET', 'catalog/alert-channels', () => ({ items: channelTypes })],
  ['GET', 'catalog/bi-tools', () => ({ items: tools.biToolTypes })],
  ['GET', 'catalog/orchestrators', () => ({ items: tools.orchestratorTypes })],
  ['GET', 'catalog/dbt-origins', () => ({ items: tools.dbtOrigins })],
  ['GET', 'bi-tools/([^/]+)/items', ({ params: [slug], query }) => ({ items: tools.biItems(kept('bi-tools', slug), query.get('parent') ?? '') })],
  ['GET', 'bi-tools/([^/]+)/sql', ({ query }) => biSql(query.get('item'))],
  ['POST', 'orchestrators/([^/]+)/connect', ({ params: [slug] }) => connect(slug)],
  ['PUT', 'dbt-projects/([^/]+)/manifest', ({ params: [slug], body }) => loadManifest(slug, body)],
  ['GET', 'dbt-projects/([^/]+)/nodes', ({ params: [slug], query }) => page((kept('dbt-projects', slug).nodes ?? []).filter(({ id }) => id.includes(query.get('search') ?? '')), query)],
  ['GET', 'dbt-projects/([^/]+)/nodes/([^/]+)', ({ params: [slug, id] }) => tools.nodeDetail(kept('dbt-projects', slug).nodes.find((node) => node.id === id))],
  ['GET', 'catalog/monitors', () => ({ items: monitorTypes })],
  ['POST', 'monitors/test', ({ body }) => testMonitor(body)],
  ['GET', 'catalog/alert-triggers', () => ({ items: triggerTypes })],
  ['POST', 'alert-channels/test', ({ body }) => testChannel(body)],
  ['GET', 'lineage', ({ query }) => lineage(store, query.get('kind'), query.get('slug'))],
  ['GET', 'syncs/([^/]+)/alerts', ({ params: [slug] }) => alertsOf(store, document('syncs', slug))],
  ['GET', 'syncs/([^/]+)/alerts/history', ({ params: [slug] }) => historyOf(store, document('syncs', slug))],
  ['POST', 'syncs/([^/]+)/alerts/([^/]+)/mute', ({ params: [slug, trigger], body }) => mute(slug, trigger, body.minutes)],
  ['DELETE', 'syncs/([^/]+)/alerts/([^/]+)/mute', ({ params: [slug, trigger] }) => (store.mutes.delete(`${slug} ${trigger}`), alertsOf(store, document('syncs', slug)))],
  ['GET', '(sources|syncs)/([^/]+)/sync-logs', ({ params: [kind, slug] }) => logsOf(kind, slug)],
  ['GET', 'destinations/([^/]+)/audience-sizes', ({ params: [slug] }) => sizesOf(slug)],
  ['POST', 'destinations/([^/]+)/audience-sizes/run', ({ params: [slug] }) => (sizesOf(slug), look(store, document('destinations', slug)), [202, sizesOf(slug)])],
  ['GET', 'destinations/([^/]+)/audiences', ({ params: [slug] }) => audiencesOf(store, document('destinations', slug))],
  ['GET', 'syncs/([^/]+)/matched-users', ({ params: [slug] }) => matchesOf(slug)],
  ['GET', 'syncs/([^/]+)/quality', ({ params: [slug], query }) => qualityOf(slug, query)],
  ['GET', 'version', () => ({ version: '0.1.0-mock' })],
  ['GET', 'usage', () => ({ months: [{ month: '2026-11', activeSyncs: 4, operations: 48120 }, { month: '2026-10', activeSyncs: 3, operations: 39911 }] })],
  ['GET', 'folders', () => lists.folders(store)],
  ['POST', 'folders', ({ body }) => lists.createFolder(store, body, refuse)],
  ['POST', 'folders/move', ({ body }) => lists.moveFolder(store, body, refuse)],
  ['DELETE', 'folders', ({ query }) => lists.deleteFolder(store, query)],
  ['GET', 'saved-filters', ({ query }) => lists.savedFilters(store, query.get('kind'))],
  ['POST', 'saved-filters', ({ body }) => lists.saveFilter(store, body, refuse)],
  ['PUT', 'saved-filters/(\\d+)', ({ params: [id], body }) => lists.changeFilter(store, id, body)],
  ['DELETE', 'saved-filters/(\\d+)', ({ params: [id] }) => lists.dropFilter(store, id)],
  ['GET', 'select', ({ query }) => lists.select(store, query.get('kind'), query)],
  ['GET', 'facets', ({ query }) => lists.facets(store, query.get('kind'))],
  ['POST', 'bulk', ({ body }) => lists.bulk(store, body, bulkActs)],
  ['GET', 'storage', () => moves.overview(store)],
  ['GET', 'storage/syncs', () => ({ items: moves.syncs(store) })],
  ['POST', 'storage/switch', ({ body }) => [202, moves.begin(store, body, step)]],
  ['POST', 'storage/switches/(\\d+)/cancel', () => moves.cancel(store)],
  ['GET', 'network', () => ({ egress: ['192.0.2.7'], ssh: 'tunnel.example.com:2222' })],
  ['POST', 'tunnels/([^/]+)/test', ({ params: [slug] }) => (document('tunnels', slug), network.test(store, slug))],
  ['POST', 'tunnels/([^/]+)/rotate', ({ params: [slug], body }) => (document('tunnels', slug), network.rotate(store, slug, body))],
  ['POST', 'tunnels/([^/]+)/forget-host-key', ({ params: [slug] }) => (document('tunnels', slug), [204])],
  ['POST', 'credentials/external-id', () => ({ externalId: 'millrace-6f1c0a3b5d7e9f1122334455' })],
  ['POST', 'credentials/test', ({ body }) => network.testCredential(body)],
  ['POST', 'storages/test', ({ body }) => testStorage(body)],
  ['POST', '(sources|destinations)/test', ({ body }) => testConnection(body)],
  ['GET', 'sources/([^/]+)/tables', ({ params: [slug] }) => (document('sources', slug), { items: tables, refreshedAt: new Date(Date.now() - 600_000).toISOString() })],
  ['GET', 'sources/([^/]+)/files', ({ params: [slug], query }) => (document('sources', slug), listFiles(query.get('prefix') ?? ''))],
  ['GET', 'sources/([^/]+)/workbooks', ({ params: [slug] }) => (document('sources', slug), { items: [{ value: '01AB', label: 'People.xlsx', help: 'Reports' }], nextCursor: null, total: 1 })],
  ['GET', 'sources/([^/]+)/sheets', ({ params: [slug] }) => (document('sources', slug), { items: ['Customers', 'Archive'] })],
  ['POST', 'sources/([^/]+)/refresh', ({ params: [slug] }) => refreshSource(slug)],
  ['POST', 'models/([^/]+)/refresh', ({ params: [slug], body }) => refreshModel(slug, body)],
  ['GET', 'models/([^/]+)/uses', ({ params: [slug] }) => uses(slug)],
  ['POST', 'models/([^/]+)/clone', ({ params: [slug], body }) => clone(slug, body)],
  ['POST', 'models/preview', async ({ body }) => (/sleep/.test(body.sql) && (await new Promise((done) => setTimeout(done, 60_000).unref())), previewModel(body))],
  ['GET', 'templates/functions', () => functions],
  ['GET', 'models/([^/]+)/properties', ({ params: [slug] }) => (document('models', slug), { items: properties, nextCursor: null, total: properties.length })],
  ['GET', 'models/([^/]+)/arrays', ({ params: [slug] }) => arrays(slug)],
  ['POST', 'models/([^/]+)/try', ({ params: [slug], body }) => (document('models', slug), tryMapping(body))],
  ['POST', 'catalog/destinations/options/accounts', ({ body }) => accountsOf(body.configuration)],
  ['POST', 'destinations/([^/]+)/options/([^/]+)', () => ({ items: [{ value: 'public.contacts', label: 'public.contacts' }, { value: 'public.leads', label: 'public.leads' }] })],
  ['POST', 'destinations/([^/]+)/fields', ({ params: [slug] }) => ({ items: document('destinations', slug).spec.type === 'postgres' ? catalog.targetFields : [] })],
  ['POST', 'syncs/suggest', ({ body }) => suggest(body)],
  ['POST', 'syncs/([^/]+)/trigger', ({ params: [slug], body }) => (moves.answered(store, slug, body), { run: start(store, document('syncs', slug), 'manual', body, step) })],
  ['POST', 'syncs/([^/]+)/enable', ({ params: [slug] }) => enable(slug, true)],
  ['POST', 'syncs/([^/]+)/disable', ({ params: [slug] }) => enable(slug, false)],
  ['GET', 'syncs/([^/]+)/test-row', ({ params: [slug], query }) => rowsToTest(slug, query.get('key') ?? '')],
  ['POST', 'syncs/([^/]+)/test-row', ({ params: [slug], body }) => testRow(slug, body)],
  ['POST', 'apply', ({ body }) => apply(body)],
  ['GET', 'syncs/([^/]+)/runs', ({ params: [slug], query }) => runs(slug, query)],
  ['POST', 'sequences/([^/]+)/trigger', ({ params: [slug] }) => ({ run: startSequence(store, document('sequences', slug), step) })],
  ['POST', 'sequences/([^/]+)/enable', ({ params: [slug] }) => enable(slug, true, 'sequences')],
  ['POST', 'sequences/([^/]+)/disable', ({ params: [slug] }) => enable(slug, false, 'sequences')],
  ['GET', 'sequences/([^/]+)/runs', ({ params: [slug], query }) => page(store.sequenceRunsOf(slug), query)],
  ['GET', 'sequence-runs/(\\d+)', ({ params: [id] }) => sequenceRun(id)],
  ['POST', 'sequence-runs/(\\d+)/cancel', ({ params: [id] }) => (cancelSequence(store, sequenceRun(id)), sequenceRun(id))],
  ['POST', 'schedules/preview', ({ body }) => previewSchedule(body)],
  ['GET', 'runs/days', ({ query }) => days(store, query.get('zone') ?? 'UTC', Number(query.get('days') ?? 14))],
  ['GET', 'runs/(\\d+)', ({ params: [id] }) => run(id)],
  ['POST', 'runs/(\\d+)/cancel', ({ params: [id] }) => (cancel(store, run(id)), run(id))],
  ['GET', 'runs/(\\d+)/rows', ({ params: [id], query }) => rows(id, query)],
  ['GET', 'runs/(\\d+)/rows\\.(csv|json)', ({ params: [id, format], query }) => exported(id, format, query)],
  ['GET', 'runs/(\\d+)/rows/(\\d+)', ({ params: [id, ordinal] }) => row(id, Number(ordinal))],
  ['GET', 'runs/(\\d+)/rows/(\\d+)/exchange', ({ params: [id, ordinal] }) => exchange(Number(ordinal), total(run(id).failed) > 0 && Number(ordinal) < 20)],
  ['POST', `validate/(${kinds})`, ({ params: [kind], body }) => ({ issues: refused(kind, body) })],
  ['GET', `(${kinds})`, ({ params: [kind], query }) => list(kind, query)],
  ['POST', `(${kinds})`, ({ params: [kind], body }) => create(kind, body)],
  ['GET', `(${kinds})/([^/]+)`, ({ params: [kind, slug] }) => document(kind, slug)],
  ['PUT', `(${kinds})/([^/]+)`, ({ params: [kind, slug], body }) => update(kind, slug, body)],
  ['DELETE', `(${kinds})/([^/]+)`, ({ params: [kind, slug] }) => remove(kind, slug)],
  ['GET', `(${kinds})/([^/]+)/activity`, ({ params: [kind, slug] }) => activity(kind, slug)],
  ['GET', `(${kinds})/([^/]+)/references`, ({ params: [kind, slug] }) => ({ items: references(kind, slug) })],
].map(([method, pattern, handle]) => ({ method, pattern: new RegExp(`^/api/${pattern}$`), handle }))

async function bodyOf(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  return text === '' ? {} : JSON.parse(text)
}

/** The columns whose arrays a sync can expand. */
function arrays(slug) {
  const { spec } = document('models', slug)
  const lists = (spec.columns ?? []).filter(({ native }) => native?.endsWith('[]'))
  return { items: lists.map(({ name }) => ({ column: name, element: `_ht_${name}_element` })), available: document('sources', spec.source).spec.engine === 'lightning' }
}

function signIn({ email, password }) {
  if (email !== 'admin@example.com' || password !== 'millrace') {
    throw new Refusal(401, 'the email or the password is wrong', { suggestion: 'Check both and try again.' })
  }
  return [200, session, { 'Set-Cookie': 'millrace_session=mock; HttpOnly; SameSite=Lax; Path=/' }]
}

function guard(request) {
  if (!/millrace_session=mock/.test(request.headers.cookie ?? '')) throw new Refusal(401, 'nobody is signed in')
  if (request.method !== 'GET' && request.headers['x-csrf-token'] !== session.csrfToken) throw new Refusal(403, 'the CSRF token is missing')
}

async function answer(request, response, url) {
  if (url.pathname === '/api/session' && request.method === 'POST') return signIn(await bodyOf(request))
  guard(request)
  if (url.pathname === '/api/events') return events(request, response)
  const route = routes.find((r) => r.method === request.method && r.pattern.test(url.pathname))
  if (!route) throw missing(`address ${url.pathname}`)
  const params = route.pattern.exec(url.pathname).slice(1).map(decodeURIComponent)
  return route.handle({ params, query: url.searchParams, body: request.method === 'GET' ? {} : await bodyOf(request) })
}

/** Begins anew, so that one test does not see what another did. A test that needs time asks for a longer step. */
function reset(response, query) {
  resetWorkspaces()
  step = Number(query.get('step') ?? flags.step)
  store = new Store(flags.empty || query.has('empty'))
  lists.more(store, Number(query.get('more') ?? 0))
  response.writeHead(204).end()
}

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.woff': 'font/woff' }

function asset(response, url) {
  const path = join(dist, normalize(url.pathname))
  const file = extname(path) !== '' && existsSync(path) ? path : join(dist, 'index.html')
  if (!existsSync(file)) {
    response.writeHead(503).end('The web app is not built: npm run build')
    return
  }
  response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': policy })
  response.end(readFileSync(file))
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://mock')
  if (url.pathname === '/mock/reset') return reset(response, url.searchParams)
  if (!url.pathname.startsWith('/api/')) return asset(response, url)
  try {
    const result = await answer(request, response, url)
    if (result === undefined) return
    const [status, body, headers] = Array.isArray(result) ? result : [200, result]
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers })
    response.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body))
  } catch (error) {
    const status = error.status ?? 500
    response.writeHead(status, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify(error.body ?? { error: { code: 'internal.error', message: String(error) } }))
  }
})

server.listen(Number(flags.port), '127.0.0.1', () => console.log(`mock on http://127.0.0.1:${flags.port}`))
