// The alerts of the mock: what can be watched, by which channels people are told, where the triggers of syncs stand.

const field = (name, label, type, more = {}) => ({ name, label, type, ...more })
const secret = (name, label, more = {}) => field(name, label, 'secret', { secret: true, ...more })

export const channelTypes = [
  {
    slug: 'email', name: 'Email', summary: "Mail through the server's SMTP settings",
    fields: [
      field('to', 'To', 'list', { required: true, example: 'data-team@example.com', help: 'Addresses; all of them get the same mail.' }),
      field('prefix', 'Subject prefix', 'string', { advanced: true, example: '[data]' }),
    ],
  },
  {
    slug: 'slack', name: 'Slack', summary: 'A message in a Slack channel',
    fields: [
      field('auth', 'Post by', 'select', { default: 'webhook', options: [{ value: 'webhook', label: 'Incoming webhook' }, { value: 'bot', label: 'Bot token' }] }),
      secret('webhookUrl', 'Webhook URL', { required: true, showIf: { field: 'auth', in: ['webhook'] } }),
      secret('token', 'Bot token', { required: true, showIf: { field: 'auth', in: ['bot'] } }),
      field('channel', 'Channel', 'string', { required: true, showIf: { field: 'auth', in: ['bot'] }, example: 'C0123456789' }),
    ],
  },
  {
    slug: 'pagerduty', name: 'PagerDuty', summary: 'An alert of a PagerDuty service, resolved on recovery',
    fields: [
      secret('routingKey', 'Integration key', { required: true, help: 'Of an Events API v2 integration: Services, your service, Integrations, Add integration.' }),
      field('baseUrl', 'Events API', 'string', { default: 'https://events.pagerduty.com', advanced: true }),
    ],
  },
  {
    slug: 'sms', name: 'SMS', summary: 'Text messages through Twilio',
    fields: [
      field('to', 'To', 'list', { required: true, example: '+4915112345678' }),
      field('accountSid', 'Account SID', 'string', { required: true }),
      secret('token', 'Auth token', { required: true }),
      field('from', 'From', 'string', { required: true, example: '+12025550123' }),
    ],
  },
  {
    slug: 'webhook', name: 'Webhook', summary: 'A signed request to an address of your own',
    fields: [field('url', 'URL', 'string', { required: true, example: 'https://hooks.example.com/millrace' }), secret('secret', 'Signing secret')],
  },
]

const trigger = (name, label, help, unit, compare, more) => ({ name, label, help, unit, compare, always: false, timed: false, min: 1, max: 1e12, whole: true, ...more })

export const triggerTypes = [
  trigger('fatal', 'Fatal error', 'Runs in a row that could not finish: source or destination unreachable, wrong credentials, a query or mapping that fails.', 'runs', 'at_least', { always: true, max: 100, standard: { critical: 1 } }),
  trigger('rejected', 'Rejected rows', 'Rows of a run that the mapping or the destination refused, whatever the operation.', 'rows', 'at_least', { always: true, min: 0.01, whole: false, measures: ['count', 'percent'], standard: { warning: 1, measure: 'count' } }),
  trigger('modelSize', 'Model size', "Rows that the model's query returned.", 'rows', 'below', { standard: { warning: 1 } }),
  trigger('duration', 'Sync duration', 'Time since a run was asked for, waiting included, until it ends or until now.', 'hours', 'above', { timed: true, max: 24, whole: false, standard: { warning: 1 } }),
  trigger('throughput', 'Successful operations', 'Rows that arrived in the destination, over all runs of a window of time.', 'operations', 'below', { timed: true, window: { minHours: 1, maxHours: 720 }, standard: { warning: 1, windowHours: 168 } }),
]

const minute = 60_000
const ago = (ms) => new Date(Date.now() - ms).toISOString()

/** What the triggers of a sync measured, from its newest run. */
function measured(store, slug) {
  const [run] = store.runsOf(slug)
  if (!run) return {}
  const rejected = run.failed.added + run.failed.changed + run.failed.removed
  const values = { rejected: { value: rejected, words: `${rejected} rows were rejected, of ${run.rowsRead} that the query returned.`, run: run.id } }
  const failed = run.status === 'failed'
  values.fatal = { value: failed ? 1 : 0, words: failed ? `The last run failed: ${run.error.message}` : 'The last run finished.', run: run.id }
  return values
}

const meets = { at_least: (v, t) => v >= t, above: (v, t) => v > t, below: (v, t) => v < t }

function levelOf(type, set, value) {
  if (set.critical !== undefined && meets[type.compare](value, set.critical)) return 'critical'
  return set.warning !== undefined && meets[type.compare](value, set.warning) ? 'warning' : 'ok'
}

function layers(store, sync) {
  const destination = store.documents.destinations.get(sync.spec.destination)
  return [['sync', sync.spec.alerts], ['destination', destination?.spec.alerts]]
}

function triggerState(store, sync, type) {
  const [from, said] = layers(store, sync).map(([name, spec]) => [name, spec?.triggers?.[type.name]]).find(([, set]) => set) ?? ['standard', undefined]
  const on = said === undefined ? type.always : !said.off
  const set = said === undefined || said.off || (said.warning === undefined && said.critical === undefined) ? type.standard : said
  const now = measured(store, sync.metadata.slug)[type.name]
  const mute = store.mutes.get(`${sync.metadata.slug} ${type.name}`)
  const muted = mute !== undefined && (mute.until === null || mute.until > ago(0))
  const level = on && now ? levelOf(type, set, now.value) : 'ok'
  return {
    name: type.name, label: type.label, on, from, warning: set.warning ?? null, critical: set.critical ?? null, measure: set.measure, unit: type.unit,
    windowHours: set.windowHours ?? type.standard.windowHours, level, since: level === 'ok' ? null : ago(15 * minute), evaluatedAt: now ? ago(minute) : null,
    value: now?.value ?? 0, words: now?.words ?? '', run: now?.run ?? null, muted, mutedUntil: muted ? mute.until : null, mutedBy: muted ? 'admin@example.com' : undefined,
  }
}

/** GET /api/syncs/{slug}/alerts. */
export function alertsOf(store, sync) {
  const triggers = triggerTypes.map((type) => triggerState(store, sync, type))
  const [from, spec] = layers(store, sync).find(([, s]) => s?.recipients) ?? ['nobody', undefined]
  const recipients = (spec?.recipients ?? []).map(({ channel, levels }) => {
    const document = store.documents['alert-channels'].get(channel)
    return { channel, name: document?.metadata.name ?? channel, type: document?.spec.type ?? '', levels: levels ?? document?.spec.levels ?? 'all' }
  })
  return { rollup: rollup(triggers), triggers, recipients, recipientsFrom: from }
}

function rollup(triggers) {
  const at = (level) => triggers.filter((t) => t.level === level).length
  const [critical, warning] = [at('critical'), at('warning')]
  return { level: critical > 0 ? 'critical' : warning > 0 ? 'warning' : 'ok', active: critical + warning, critical, warning }
}

/** How many triggers of a sync alert. */
export const rollupOf = (store, sync) => rollup(triggerTypes.map((type) => triggerState(store, sync, type)))

const notice = (channel, state, more = {}) => ({ channel, repeat: false, state, at: ago(15 * minute), nextAt: null, attempts: 1, ...more })

/** GET /api/syncs/{slug}/alerts/history. */
export function historyOf(store, sync) {
  const alerting = alertsOf(store, sync).triggers.filter((t) => t.level !== 'ok')
  const items = alerting.flatMap((t, i) => [
    { id: 9000 - i * 10, at: ago(15 * minute), trigger: t.name, label: t.label, from: 'ok', to: t.level, value: t.value, threshold: 1, words: t.words, run: t.run, muted: false,
      notices: [notice('data-team', 'sent'), notice('on-call', 'failed', { error: "400 Bad Request: Length of 'routing_key' is incorrect (should be 32 characters)" })] },
    { id: 8999 - i * 10, at: ago(26 * 60 * minute), trigger: t.name, label: t.label, from: t.level, to: 'ok', value: 0, threshold: 1, words: 'The last run finished.', run: null, muted: true, notices: [] },
  ])
  return { items, nextCursor: null, total: items.length }
}

/** POST /api/alert-channels/test. */
export function testChannel({ configuration }) {
  const text = JSON.stringify(configuration)
  if (/wrong/.test(text)) {
    return {
      ok: false, durationMs: 120,
      error: { code: 'notice.refused', message: "400 Bad Request: {\"status\":\"invalid event\",\"errors\":[\"Length of 'routing_key' is incorrect (should be 32 characters)\"]}", suggestion: "Correct the alert channel's settings; the message is the provider's own." },
    }
  }
  return { ok: true, durationMs: 120 }
}
