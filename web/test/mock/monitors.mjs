// The monitors of the mock: what can be one, and how their newest reports fared.

const field = (name, label, type, more = {}) => ({ name, label, type, ...more })

const sites = ['datadoghq.com', 'us3.datadoghq.com', 'us5.datadoghq.com', 'datadoghq.eu']

export const monitorTypes = [
  {
    slug: 'datadog', name: 'Datadog', summary: 'Metrics and an event of every run in Datadog',
    fields: [
      field('site', 'Site', 'select', { default: sites[0], required: true, creatable: true, options: sites.map((value) => ({ value, label: value })), help: 'The address of your Datadog without app. or https://.' }),
      field('apiKey', 'API key', 'secret', { secret: true, required: true, help: 'An API key of the organization, not an application key.' }),
      field('prefix', 'Metric prefix', 'string', { default: 'millrace', advanced: true }),
      field('tags', 'Tags', 'list', { advanced: true, example: 'env:production' }),
      field('events', 'Events', 'boolean', { default: true, advanced: true }),
    ],
  },
]

/** How the newest report fared: that of the first monitor was refused. */
export const lastReport = (slug) =>
  slug.startsWith('datadog')
    ? { state: 'failed', at: new Date(Date.now() - 15 * 60_000).toISOString(), nextAt: null, attempts: 1, error: '403 Forbidden: {"errors":["Forbidden"]}' }
    : null

/** POST /api/monitors/test. */
export function testMonitor({ configuration }) {
  if (!/wrong/.test(JSON.stringify(configuration))) return { ok: true, durationMs: 80 }
  return {
    ok: false, durationMs: 80,
    error: { code: 'notice.authentication', message: '403 Forbidden: {"errors":["Forbidden"]}', suggestion: 'Datadog refuses the key: enter an API key, not an application key, of an organization on this site.' },
  }
}
