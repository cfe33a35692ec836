// The documents and runs of the mock.
import { lastReport } from './monitors.mjs'
import { rollupOf } from './alerts.mjs'
import { modelColumns } from './data.mjs'
import { tunnelStatus } from './network.mjs'
import { storageStatus } from './storage.mjs'
import { toolStatus } from './tools.mjs'

const hour = 3_600_000
const ago = (ms) => new Date(Date.now() - ms).toISOString()

export class Store {
  constructor(empty) {
    this.next = 1000
    this.documents = { sources: new Map(), models: new Map(), destinations: new Map(), syncs: new Map(), sequences: new Map(), 'alert-channels': new Map(), storages: new Map(), tunnels: new Map(), credentials: new Map(), 'bi-tools': new Map(), orchestrators: new Map(), 'dbt-projects': new Map(), monitors: new Map() }
    this.storage = { slug: undefined, since: null, history: [], switch: null, moved: new Set() }
    this.runs = []
    this.sequenceRuns = []
    this.keys = []
    this.folders = new Set()
    this.savedFilters = []
    this.drifts = new Map()
    this.mutes = new Map()
    this.listeners = new Set()
    if (!empty) fill(this)
  }

  id() {
    this.next += 7
    return this.next
  }

  put(kind, name, spec, more = {}) {
    const slug = more.slug ?? slugOf(name, this.documents[kind])
    const at = more.createdAt ?? ago(0)
    const metadata = {
      id: this.id(),
      uuid: `00000000-0000-4000-8000-${String(this.next).padStart(12, '0')}`,
      slug,
      name,
      labels: more.labels ?? {},
      folder: more.folder ?? null,
      revision: 1,
      createdAt: at,
      updatedAt: at,
      createdBy: 'Admin',
      updatedBy: 'Admin',
    }
    const document = { kind: kind.slice(0, -1), metadata, spec, lastTest: more.lastTest ?? null }
    this.documents[kind].set(slug, document)
    return document
  }

  get(kind, slug) {
    const document = this.documents[kind].get(slug)
    return document && { ...withoutSecrets(document), status: this.status(kind, document) }
  }

  list(kind) {
    return [...this.documents[kind].keys()].map((slug) => this.get(kind, slug))
  }

  count(kind, test) {
    return [...this.documents[kind].values()].filter(test).length
  }

  brief(kind, slug) {
    const document = this.documents[kind].get(slug)
    return { slug, name: document?.metadata.name ?? slug, type: document?.spec.type ?? '' }
  }

  runsOf(slug) {
    return this.runs.filter((run) => run.syncSlug === slug).sort((a, b) => b.id - a.id)
  }

  sequenceRunsOf(slug) {
    return this.sequenceRuns.filter((run) => run.sequenceSlug === slug).sort((a, b) => b.id - a.id)
  }

  status(kind, document) {
    const { metadata, spec, lastTest } = document
    const { slug } = metadata
    if (['bi-tools', 'orchestrators', 'dbt-projects'].includes(kind)) return toolStatus(this, kind, slug, document)
    if (kind === 'sources') {
      return { sample: spec.type.startsWith('sample'), modelCount: this.count('models', (m) => m.spec.source === slug), lastTest }
    }
    if (kind === 'storages') return storageStatus(this, slug, spec, lastTest)
    if (kind === 'tunnels') return tunnelStatus(this, slug, spec)
    if (kind === 'credentials') return { useCount: 0, lastTest, ...(spec.type === 'gcp' ? { clientId: '1066', clientEmail: 'robot@acme.example.com', projectId: 'acme' } : {}) }
    if (kind === 'destinations') return { syncCount: this.count('syncs', (s) => s.spec.destination === slug), lastTest }
    if (kind === 'models') {
      return {
        source: this.brief('sources', spec.source),
        syncCount: this.count('syncs', (s) => s.spec.model === slug),
        drift: this.drifts.get(slug) ?? null,
        dbt: null,
        lastRunRows: this.count('syncs', (s) => s.spec.model === slug) > 0 ? 8421 : null,
      }
    }
    if (kind === 'sequences') return sequenceStatus(spec, this.sequenceRunsOf(slug)[0] ?? null)
    if (kind === 'monitors') return { lastReport: lastReport(slug) }
    if (kind === 'alert-channels') return { useCount: this.users(slug).length, lastNotice: this.lastNotice(slug) }
    const [lastRun = null] = this.runsOf(slug)
    const model = this.documents.models.get(spec.model)
    return {
      state: stateOf(spec, lastRun),
      label: words[stateOf(spec, lastRun)],
      model: this.brief('models', spec.model),
      source: this.brief('sources', model?.spec.source ?? ''),
      destination: this.brief('destinations', spec.destination),
      lastRun,
      alerts: rollupOf(this, { metadata, spec }),
      nextRunAt: nextRunAt(spec),
      lastSkip: lastRun?.status === 'failed' ? { at: ago(hour), reason: 'missing', message: 'there is no model "abandoned-carts"' } : null,
    }
  }

  /** The documents of which an alert channel is a recipient. */
  users(channel) {
    const uses = ({ spec }) => spec.alerts?.recipients?.some((r) => r.channel === channel)
    return [...this.documents.destinations.values(), ...this.documents.syncs.values()].filter(uses)
  }

  lastNotice(channel) {
    const at = ago(hour / 4)
    if (channel === 'on-call') return { channel, repeat: false, state: 'failed', at, nextAt: null, attempts: 1, error: '400 Bad Request: Event object is invalid' }
    return channel === 'data-team' ? { channel, repeat: false, state: 'sent', at, nextAt: null, attempts: 1 } : null
  }

  emit(event, data) {
    for (const listener of this.listeners) listener(event, data)
  }
}

const nextRunAt = ({ schedule, disabled }) => (schedule.type === 'manual' || disabled ? null : new Date(Date.now() + hour / 2).toISOString())

const sequenceWords = { queued: 'Queued', running: 'Running', completed: 'Completed', warning: 'Completed with errors', failed: 'Failed', cancelled: 'Cancelled', pending: 'Never ran', disabled: 'Disabled' }

function sequenceStatus(spec, lastRun) {
  const under = { pending: 'queued', running: 'running' }[lastRun?.state]
  const ended = lastRun?.state === 'done' ? (lastRun.steps.some((step) => step.state !== 'success') ? 'warning' : 'completed') : lastRun?.state
  const state = under ?? (spec.disabled ? 'disabled' : (ended ?? 'pending'))
  const lastSkip = spec.schedule.type === 'cron' ? { at: ago(hour / 3), reason: 'waiting', message: 'run 1204 was still under way, and run 1211 waits for it already' } : null
  return { state, label: sequenceWords[state], lastRun, nextRunAt: nextRunAt(spec), lastSkip }
}

const secretNames = /password|secret(?!s)|clientSecret|apiSecret|accountKey|routingKey|webhookUrl|token|externalId|serviceAccountKey/i

function withoutSecrets({ lastTest: _, connected: __, nodes: ___, manifest: ____, ...document }) {
  const { configuration } = document.spec
  if (!configuration) return document
  const hidden = Object.fromEntries(Object.entries(configuration).map(([name, value]) => [name, secretNames.test(name) ? { $secret: 'set' } : value]))
  return { ...document, spec: { ...document.spec, configuration: hidden } }
}

const active = { queued: 'queued', querying: 'querying', planning: 'preparing', delivering: 'in_progress', settling: 'in_progress' }

const words = {
  queued: 'Queued', querying: 'Querying', preparing: 'Preparing', in_progress: 'In progress', healthy: 'Healthy',
  incomplete: 'Incomplete', failed: 'Failed', disabled: 'Disabled', pending: 'Pending',
}

function stateOf(spec, run) {
  if (run && active[run.state]) return active[run.state]
  if (spec.disabled) return 'disabled'
  if (!run) return 'pending'
  return run.status === 'failed' ? 'failed' : run.status === 'interrupted' ? 'incomplete' : 'healthy'
}

function slugOf(name, taken) {
  const base = name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '') || 'unnamed'
  let slug = base
  for (let n = 2; taken.has(slug); n++) slug = `${base}-${n}`
  return slug
}

const zero = () => ({ added: 0, changed: 0, removed: 0 })

/** A run as it is before anything happened. */
export function freshRun(store, sync, trigger, options = {}) {
  return {
    id: store.id(),
    syncSlug: sync.metadata.slug,
    syncId: sync.metadata.id,
    trigger,
    state: 'queued',
    status: 'queued',
    label: 'Queued',
    createdAt: ago(0),
    startedAt: null,
    finishedAt: null,
    durationMs: 0,
    progress: 0,
    rowsRead: 0,
    rows: { ...zero(), unchanged: 0, nullKey: 0, duplicate: 0, ignored: 0 },
    planned: zero(),
    succeeded: zero(),
    failed: zero(),
    aborted: zero(),
    inDoubt: 0,
    engine: 'basic',
    migrated: false,
    ratePerSecond: 0,
    options,
    error: null,
  }
}

function finished(store, sync, age, more) {
  const run = freshRun(store, sync, 'schedule')
  Object.assign(run, {
    state: 'committed',
    status: 'success',
    label: 'Completed',
    createdAt: ago(age + 14_000),
    startedAt: ago(age + 13_000),
    finishedAt: ago(age),
    durationMs: 13_000,
    progress: 1,
    rowsRead: 8421,
    rows: { added: 120, changed: 40, removed: 6, unchanged: 8258, nullKey: 3, duplicate: 0, ignored: 0 },
    planned: { added: 120, changed: 40, removed: 6 },
    succeeded: { added: 120, changed: 40, removed: 6 },
    ...more,
  })
  store.runs.push(run)
  return run
}

function fill(store) {
  const old = { createdAt: ago(19 * 24 * hour) }
  const good = { ok: true, at: ago(2 * hour) }
  const b2c = store.put('sources', 'B2C eCommerce', { type: 'sample-b2c', configuration: {} }, old)
  const db = store.put(
    'sources',
    'Production warehouse',
    { type: 'postgres', configuration: { host: 'db.example.com', port: 5432, database: 'shop', user: 'millrace', password: 'x', sslmode: 'prefer' }, engine: 'basic', description: 'Read replica of the shop.' },
    { ...old, lastTest: good, labels: { team: 'data' } },
  )
  store.put(
    'sources',
    'Finance exports',
    { type: 'files', configuration: { path: 'finance' } },
    { ...old, lastTest: { ok: false, at: ago(hour), error: 'open finance: no such file or directory' } },
  )
  const sql = "SELECT * FROM public.customers\nWHERE VIP = 'Normal'\n  AND CAST(items_in_cart AS INT) > 0"
  const spec = (source, more) => ({ source, method: 'sql', sql, primaryKey: 'customer_id', columns: modelColumns, ...more })
  const carts = store.put('models', 'Abandoned carts', spec(b2c.metadata.slug), { createdAt: ago(18 * 24 * hour), folder: 'Marketing' })
  const vips = store.put('models', 'VIP customers', spec(db.metadata.slug, { description: 'Gold and silver tiers with consent.' }), { createdAt: ago(12 * 24 * hour) })
  const long = store.put(
    'models',
    'Customers of all regions with consent for marketing by email, phone or post, without test accounts and employees',
    spec(db.metadata.slug, { method: 'table', sql: undefined, table: { schema: 'public', name: 'customers' } }),
    { createdAt: ago(6 * 24 * hour) },
  )
  store.drifts.set(long.metadata.slug, {
    added: [{ name: 'loyalty_points', type: 'number', native: 'INTEGER' }, { name: 'preferred_language', type: 'string', native: 'VARCHAR' }],
    removed: [{ name: 'city', type: 'string', native: 'VARCHAR' }],
    retyped: [{ name: 'ltv', from: 'string', to: 'number', native: 'DECIMAL(12,2)' }],
    renamed: [{ from: 'email', to: 'email_address' }],
    seenAt: ago(2 * hour),
  })
  store.put('monitors', 'Datadog of the data team', { type: 'datadog', configuration: { site: 'datadoghq.eu', apiKey: { $secret: 'set' }, tags: ['env:production'] } }, old)
  store.put('monitors', 'Old dashboards', { type: 'datadog', configuration: { site: 'datadoghq.com', apiKey: { $secret: 'set' } }, disabled: true }, old)
  store.put('alert-channels', 'Data team', { type: 'slack', configuration: { auth: 'webhook', webhookUrl: 'x' } }, old)
  store.put('alert-channels', 'On call', { type: 'pagerduty', configuration: { routingKey: 'x', baseUrl: 'https://events.pagerduty.com' }, levels: 'critical', repeatMinutes: 60 }, old)
  store.put('alert-channels', 'Everybody in the departments of marketing, sales and customer care who works with the data', { type: 'email', configuration: { to: ['marketing@example.com', 'sales@example.com'] } }, old)
  const folder = store.put('destinations', 'Exports folder', { type: 'local', configuration: { path: 'exports' } }, { ...old, lastTest: good })
  const crm = store.put('destinations', 'CRM database', { type: 'postgres', configuration: { host: 'crm.example.com', port: 5432, database: 'crm', user: 'sync', password: 'x' }, alerts: { recipients: [{ channel: 'data-team' }, { channel: 'on-call', levels: 'critical' }], triggers: { duration: { warning: 2, critical: 6 }, fatal: { warning: 1, critical: 3 } } } }, { ...old, lastTest: good })
  const hook = store.put('destinations', 'Contacts API', { type: 'http-request', configuration: { baseUrl: 'https://api.example.com', headers: [{ name: 'Authorization', value: { $secret: 'set' }, secret: true }] } }, old)
  const sync = (name, model, destination, more, meta) =>
    store.put('syncs', name, { model: model.metadata.slug, destination: destination.metadata.slug, disabled: false, schedule: { type: 'manual' }, ...more }, meta)
  const mappings = [
    { to: 'email', kind: 'column', from: 'email' },
    { to: 'first_name', kind: 'column', from: 'first_name', omitNull: true },
    { to: 'lifetime_value', kind: 'template', template: '{{ row.ltv | round: 2 }}' },
    { to: 'city', kind: 'static', value: 'unknown' },
  ]
  const table = { type: 'table', mode: 'upsert', delete: 'delete', settings: { table: 'public.contacts' }, match: [{ from: 'customer_id', to: 'customer_id' }], mappings }
  const every = { type: 'interval', interval: { unit: 'hour', quantity: 1 } }
  const files = { type: 'file', mode: 'diff', settings: { format: 'csv', filename: '{YYYY}-{MM}-{DD}/carts.csv' }, allColumns: true }
  const request = { type: 'request', mode: 'trigger', settings: { added: { enabled: true, method: 'POST', url: '/contacts', body: 'json', json: '{"email": "{{ row.email }}"}' }, removed: { enabled: true, method: 'DELETE', url: '/contacts/{{ row.customer_id }}', body: 'none' }, initial: 'backfill' }, allColumns: true }

  const a = sync('VIP customers to CRM', vips, crm, { ...table, schedule: every, description: 'Sales works with these.' }, { createdAt: ago(12 * 24 * hour), folder: 'Sales', labels: { team: 'crm', tier: 'gold' } })
  const b = sync('Abandoned carts to exports', carts, folder, { ...files, schedule: { type: 'cron', cron: '0 6 * * *' } }, { createdAt: ago(11 * 24 * hour), folder: 'Marketing' })
  const c = sync('Abandoned carts to contacts API', carts, hook, request, { createdAt: ago(9 * 24 * hour), folder: 'Marketing' })
  sync('All consenting customers to CRM, nightly full comparison for the call centre team', long, crm, { ...table, disabled: true }, { createdAt: ago(5 * 24 * hour) })
  sync('VIP customers to exports', vips, folder, files, { createdAt: ago(2 * hour) })

  for (let i = 9; i >= 1; i--) {
    const some = { planned: { added: i, changed: i * 3, removed: i % 2 }, succeeded: { added: i, changed: i * 3, removed: i % 2 } }
    finished(store, a, i * hour, i % 3 === 0 ? { planned: zero(), succeeded: zero() } : some)
  }
  finished(store, a, hour / 4, {
    status: 'warning',
    label: 'Completed with errors',
    planned: { added: 120, changed: 40, removed: 6 },
    succeeded: { added: 112, changed: 39, removed: 6 },
    failed: { added: 8, changed: 1, removed: 0 },
    inDoubt: 2,
  })
  finished(store, b, 7 * hour, {})
  finished(store, c, 3 * hour, {
    state: 'failed',
    status: 'failed',
    label: 'Aborted due to fatal error',
    succeeded: zero(),
    aborted: { added: 120, changed: 40, removed: 6 },
    error: {
      code: 'destination.authentication',
      message: '401 Unauthorized: {"error":"invalid_token","trace_id":"4bf92f3577b34da6"}',
      suggestion: "Check the destination's credentials.",
    },
  })
  sequences(store)
  const s3 = { region: 'eu-central-1', bucket: 'acme-millrace', prefix: 'prod', auth: 'keys', accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'x' }
  store.put('tunnels', 'Office', { type: 'standard', sshHost: 'bastion.example.com', serviceHost: 'db.internal', servicePort: 5432 }, old)
  store.put('tunnels', 'Old data centre', { type: 'standard', sshHost: 'nowhere.example.com', sshPort: 2222, serviceHost: 'warehouse.internal', servicePort: 5439 }, old)
  store.put('tunnels', 'Warehouse of the subsidiary', { type: 'reverse' }, old)
  store.put('credentials', 'Analytics account', { type: 'gcp', configuration: { serviceAccountKey: 'x' } }, { ...old, lastTest: good })
  store.put('storages', 'Lake', { type: 's3', configuration: s3, description: 'In the account of the data team.' }, { ...old, lastTest: good })
  store.put(
    'storages',
    'Container of the European subsidiary, under the retention policy of its own works council',
    { type: 'azure', configuration: { accountName: 'acmeeuropedata', container: 'acme-millrace-container', tenantId: 'a', clientId: 'b', clientSecret: 'x' } },
    { ...old, lastTest: { ok: false, at: ago(hour), error: 'invalid_client: AADSTS7000215: Invalid client secret provided.' } },
  )
  store.keys.push({ id: 1, name: 'Airflow', prefix: 'mr_7Hq2', createdAt: ago(40 * 24 * hour), createdBy: 'Admin', lastUsedAt: ago(hour) })
}

/** Some sequences with runs that ended in each way. */
function sequences(store) {
  const put = (name, steps, more, meta) => store.put('sequences', name, { steps, schedule: { type: 'manual' }, disabled: false, ...more }, meta)
  const [vips, exports, api] = ['vip-customers-to-crm', 'abandoned-carts-to-exports', 'abandoned-carts-to-contacts-api']
  const nightly = put(
    'Customers before their carts',
    [{ sync: vips, terminate: 'rejected', rejected: { percent: 5 } }, { sync: exports, terminate: 'fatal' }, { sync: api, terminate: 'never' }],
    { schedule: { type: 'cron', cron: '0 6 * * *' }, description: 'Carts refer to customers, so that customers go first.' },
    { createdAt: ago(10 * 24 * hour), folder: 'Sales', labels: { team: 'crm' } },
  )
  const strict = put('Exports, then the API', [{ sync: exports }, { sync: api, terminate: 'fatal' }, { sync: vips }], {}, { createdAt: ago(8 * 24 * hour) })
  put('A sequence with a name that is much longer than the place that a list has for it, as people write them now and then', [{ sync: vips }], { disabled: true }, { createdAt: ago(hour) })
  const step = (sync, terminate, state, label, seconds, more = {}) => ({
    sync: { ...store.brief('syncs', sync), type: undefined }, terminate, limit: {}, state, label, runId: store.runsOf(sync)[0]?.id ?? null, rejected: 0,
    startedAt: ago(2 * hour), finishedAt: ago(2 * hour - seconds * 1000), durationMs: seconds * 1000, error: '', run: null, ...more,
  })
  const failed = '401 Unauthorized: {"error":"invalid_token","trace_id":"4bf92f3577b34da6"}'
  const done = [
    step(vips, 'rejected', 'success', 'Completed', 14, { limit: { percent: 5 } }),
    step(exports, 'fatal', 'warning', 'Completed with errors', 75, { rejected: 9 }),
    step(api, 'never', 'failed', 'Failed', 2, { error: failed }),
  ]
  finishedSequence(store, nightly, { steps: done.map((s) => ({ ...s, state: 'success', label: 'Completed', rejected: 0, error: '' })) })
  finishedSequence(store, nightly, { label: 'Completed with errors', steps: done })
  const notReached = { runId: null, startedAt: null, finishedAt: null, durationMs: 0 }
  finishedSequence(store, strict, {
    state: 'failed',
    label: 'Failed',
    trigger: 'manual',
    steps: [step(exports, 'rejected', 'success', 'Completed', 31), step(api, 'fatal', 'failed', 'Failed', 2, { error: failed }), step(vips, 'rejected', 'skipped', 'Not reached', 0, notReached)],
    error: { code: 'sequence.stopped', message: `step 2, the sync "${api}", ended the sequence: ${failed}`, suggestion: "Look at the run of the step that ended the sequence; the step's terminate setting says what may end it." },
  })
}

/** A run of a sequence as it is before anything happened. */
export function freshSequenceRun(store, sequence, trigger) {
  const id = store.id()
  return {
    id, uuid: `00000000-0000-4000-9000-${String(id).padStart(12, '0')}`, sequenceSlug: sequence.metadata.slug, sequenceId: sequence.metadata.id, trigger,
    state: 'pending', label: 'Queued', cancelRequested: false, createdAt: ago(0), startedAt: null, finishedAt: null, durationMs: 0, steps: [], error: null,
  }
}

function finishedSequence(store, sequence, more) {
  const seconds = more.steps.reduce((sum, s) => sum + s.durationMs, 0)
  const run = { ...freshSequenceRun(store, sequence, 'schedule'), state: 'done', label: 'Completed', createdAt: ago(2 * hour), startedAt: ago(2 * hour), finishedAt: ago(2 * hour - seconds), durationMs: seconds, ...more }
  store.sequenceRuns.push(run)
  return run
}
