import { expect, type Page } from '@playwright/test'
import { choose } from '../app'

interface Address {
  name: string
  path: string
  /** Waits until the page shows what it is about. */
  ready: (page: Page) => Promise<void>
}

const heading = (name: string | RegExp) => (page: Page) => expect(page.getByRole('heading', { name }).first()).toBeVisible()
const table = (name: string) => (page: Page) => expect(page.getByRole('table', { name })).toBeVisible()
const text = (words: string | RegExp) => (page: Page) => expect(page.getByText(words).first()).toBeVisible()

/** A run that the fixtures hold, by the label of its status. */
const run = (sync: string, status: RegExp) => async (page: Page) => {
  await page.goto(`/syncs/${sync}`)
  await page.getByRole('row', { name: status }).first().getByRole('link').click()
  await expect(page.getByRole('heading', { level: 1, name: /^Run/ })).toBeVisible()
}

/** A run of a sequence that the fixtures hold. */
const sequenceRun = (status: RegExp) => async (page: Page) => {
  await page.getByRole('row', { name: status }).first().getByRole('link').click()
  await expect(page.getByRole('table', { name: 'Steps' })).toBeVisible()
}

const neverRun = async (page: Page) => {
  await page.getByRole('link', { name: /much longer/ }).click()
  await expect(page.getByText('This sequence has not run yet')).toBeVisible()
}

/** The builder with steps of each setting and a schedule. */
const steps = async (page: Page) => {
  const add = page.getByRole('combobox', { name: 'Add syncs' })
  await add.click()
  for (const name of ['VIP customers to CRM', 'Abandoned carts to exports', 'VIP customers to exports']) {
    await page.getByRole('option', { name, exact: true }).click()
  }
  await page.keyboard.press('Escape')
  await choose(page, 'Terminate after Abandoned carts to exports', 'Never')
  await page.getByRole('radio', { name: /Custom recurrence/ }).check()
  await expect(page.getByRole('region', { name: 'Next runs' }).getByRole('listitem')).toHaveCount(5)
}

const preview = async (page: Page) => {
  await page.getByRole('button', { name: 'Abandoned cart retargeting ads' }).click()
  await page.getByRole('button', { name: 'Preview', exact: true }).click()
  await expect(page.getByRole('table', { name: 'Preview rows' })).toBeVisible()
}

const folderTree = async (page: Page) => {
  await page.getByRole('button', { name: 'Show folders' }).click()
  await expect(page.getByRole('treeitem', { name: /Marketing/ })).toHaveAttribute('aria-selected', 'true')
}

const selected = async (page: Page) => {
  await page.getByRole('checkbox', { name: 'Select VIP customers to CRM' }).check()
  await page.getByRole('button', { name: 'Actions', exact: true }).click()
  await expect(page.getByRole('menuitem', { name: 'Move to folder' })).toBeVisible()
}

const labelFilter = async (page: Page) => {
  await page.getByRole('button', { name: /^Labels/ }).click()
  await expect(page.getByRole('checkbox', { name: 'Exclude team: crm' })).toBeChecked()
}

const columns = async (page: Page) => {
  await page.getByRole('button', { name: 'Choose columns' }).click()
  await page.getByRole('checkbox', { name: 'Labels' }).check()
  await expect(page.getByRole('columnheader', { name: 'Labels' })).toBeVisible()
}

const deleteSome = async (page: Page) => {
  await page.getByRole('checkbox', { name: 'Select all', exact: true }).click()
  await page.getByRole('button', { name: 'Actions', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await expect(page.getByRole('dialog').getByText('will stay, since something depends on them')).toBeVisible()
}

/** The model whose columns have changed in the source. */
/** Conditions on a model's rows, as an address holds them. */
const conditions = JSON.stringify({
  all: [
    { property: { column: 'city', operator: 'equals', values: ['DE', 'a value that is much longer than the place for it', 'AT'] } },
    { any: [{ property: { column: 'orders', path: 'items.0.price', type: 'number', operator: 'greater', values: [90] } }, { property: { column: 'last_seen', operator: 'between', from: { at: '2026-01-01' }, to: { ago: { n: 3, unit: 'day' } } } }] },
  ],
})

export const longModel = 'customers-of-all-regions-with-consent-for-marketing-by-email-phone-or-post-without-test-accounts-and-employees'

const previewClone = async (page: Page) => {
  await page.getByRole('button', { name: 'Preview', exact: true }).click()
  await expect(page.getByRole('table', { name: 'Preview rows' })).toBeVisible()
  await page.getByRole('checkbox', { name: 'All of them' }).check()
}

/** A query that the source refuses, with the place marked. */
const refused = async (page: Page) => {
  await page.getByRole('textbox', { name: 'SQL query' }).click()
  await page.keyboard.insertText('SELECT customer_id,\n  emial\nFROM public.customers')
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('alert')).toContainText('emial')
}

const testedRow = async (page: Page) => {
  await page.getByRole('button', { name: 'Change email' }).click()
  await page.getByRole('textbox', { name: 'Value of email' }).fill('ada@example.org')
  await page.getByRole('button', { name: 'Keep the value of email' }).click()
  await page.getByRole('button', { name: 'Change city' }).click()
  await page.getByRole('button', { name: 'Send row' }).click()
  await expect(page.getByRole('region', { name: 'Result' })).toBeVisible()
}

const json = async (page: Page) => {
  await page.getByRole('button', { name: 'Edit as JSON' }).click()
  await page.getByRole('textbox', { name: 'Configuration as JSON' }).click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.insertText('{\n  "mode": "upsrt",\n  "fromId": "customer_id",\n  "tags": ["crm"],\n  "mappings": [\n    { "to": "email" }\n  ]\n}')
  await expect(page.getByText('There is no mode')).toBeVisible()
}

const rowOfRun = async (page: Page) => {
  await run('vip-customers-to-crm', /Completed with errors/)(page)
  await page.getByRole('tab', { name: /Rejected/ }).click()
  await page.getByRole('button', { name: 'C-100003' }).click()
  await expect(page.getByRole('dialog').getByLabel('Request body')).toBeVisible()
}

/** The engine that plans in the source, with what it needs. */
const lightning = async (page: Page) => {
  await page.getByRole('radio', { name: 'Lightning' }).check()
  await expect(page.getByLabel('Grants', { exact: true })).toBeVisible()
  await expect(page.getByText('There is no way back')).toBeVisible()
}

const upgrade = async (page: Page) => {
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await lightning(page)
}

/** The form of HTTP Request with requests for added rows, by a template. */
const triggers = async (page: Page) => {
  const added = page.getByRole('group', { name: 'Rows added' })
  await added.getByRole('checkbox', { name: 'Send requests' }).check()
  await choose(page, 'Body', 'JSON from a template')
  await added.getByRole('button', { name: 'Advanced settings' }).click()
  await added.getByRole('button', { name: 'Add header' }).click()
  await expect(added.getByRole('textbox', { name: 'JSON' })).toBeVisible()
}

/** The form of a sync's alerts, with thresholds of its own. */
const editAlerts = async (page: Page) => {
  await page.getByRole('button', { name: 'Edit alerts' }).click()
  await choose(page, 'Rejected rows is', 'Own thresholds')
  await choose(page, 'Successful operations is', 'Own thresholds')
  await expect(page.getByLabel('Within the last')).toBeVisible()
}

/** What a switch of the storage means. */
const consequences = async (page: Page) => {
  await page.getByRole('button', { name: 'Use it' }).first().click()
  await expect(page.getByText('have to begin anew')).toBeVisible()
}

/** The form of a saved sync. */
const editing = async (page: Page) => {
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await expect(page.getByRole('group', { name: 'Mapping 1' })).toBeVisible()
}

/** Its template, with what may be inserted. */
const template = async (page: Page) => {
  await editing(page)
  const row = page.getByRole('group', { name: 'Mapping 3' })
  await row.getByRole('button', { name: 'Variables and functions' }).click()
  await expect(row.getByRole('button', { name: /^upcase/ })).toBeVisible()
  await expect(row.getByRole('region', { name: 'Result' })).toContainText('number')
}

/** An inline array with an inline object in it. */
const inline = async (page: Page) => {
  await editing(page)
  await page.getByRole('button', { name: 'Add mapping' }).click()
  const row = page.getByRole('group', { name: 'Mapping 5', exact: true })
  await row.getByRole('combobox', { name: 'Destination field' }).click()
  await page.getByRole('option', { name: /line_items/ }).click()
  await row.getByRole('combobox', { name: 'List of objects' }).click()
  await page.getByRole('option', { name: 'orders' }).click()
  await row.getByRole('button', { name: 'Add all properties' }).click()
  const member = page.getByRole('group', { name: 'Mapping 5, member 3', exact: true })
  await member.getByRole('combobox', { name: 'Filled with' }).click()
  await page.getByRole('option', { name: 'Inline object' }).click()
  await member.getByRole('button', { name: 'Add member' }).click()
  await expect(row.getByRole('region', { name: 'Result' })).toContainText('array')
}

/** Every page of the web app, with the fixtures of the mock. */
export const pages: Address[] = [
  { name: 'home', path: '/', ready: table('Recent runs') },
  { name: 'sources', path: '/sources', ready: table('Sources') },
  { name: 'sources-none-match', path: '/sources?search=zzz', ready: text('No sources match') },
  { name: 'source-catalog', path: '/sources/new', ready: heading('Sample datasets') },
  { name: 'source-configure', path: '/sources/new?type=postgres', ready: heading('Connection') },
  { name: 'source-engine', path: '/sources/new?type=postgres', ready: lightning },
  { name: 'source-engine-edit', path: '/sources/production-warehouse', ready: upgrade },
  { name: 'source-sample', path: '/sources/new?type=sample-b2c', ready: heading('Finalize source') },
  { name: 'source', path: '/sources/production-warehouse', ready: text('db.example.com') },
  { name: 'source-tables', path: '/sources/production-warehouse?tab=tables', ready: text('public.customers') },
  { name: 'source-models', path: '/sources/production-warehouse?tab=models', ready: table('Models') },
  { name: 'source-sync-logs', path: '/sources/production-warehouse?tab=sync-logs', ready: text('sync logs need the Lightning engine') },
  { name: 'source-activity', path: '/sources/production-warehouse?tab=activity', ready: table('Activity') },
  { name: 'models', path: '/models', ready: table('Models') },
  { name: 'model-source', path: '/models/new', ready: text('Production warehouse') },
  { name: 'model-sql', path: '/models/new?source=b2c-ecommerce', ready: preview },
  { name: 'model-table', path: '/models/new?source=production-warehouse&method=table', ready: text('public.customers') },
  { name: 'model', path: '/models/vip-customers', ready: text('customer_id') },
  { name: 'model-rows', path: `/models/vip-customers?tab=preview&filter=${encodeURIComponent(conditions)}`, ready: text('Group of which') },
  { name: 'model-columns', path: '/models/vip-customers?tab=columns', ready: table('Columns') },
  { name: 'model-columns-changed', path: `/models/${longModel}?tab=columns`, ready: text('The columns in the source have changed') },
  { name: 'model-clone', path: '/models/vip-customers/clone', ready: heading('Syncs to clone as well') },
  { name: 'model-clone-preview', path: '/models/vip-customers/clone', ready: previewClone },
  { name: 'model-refused', path: '/models/new?source=b2c-ecommerce', ready: refused },
  { name: 'model-syncs', path: '/models/vip-customers?tab=syncs', ready: table('Syncs') },
  { name: 'model-edit', path: '/models/vip-customers/edit', ready: heading('Edit VIP customers') },
  { name: 'destinations', path: '/destinations', ready: table('Destinations') },
  { name: 'destination-catalog', path: '/destinations/new', ready: text('Local folder') },
  { name: 'destination-http', path: '/destinations/new?type=http-request', ready: heading('Connection') },
  { name: 'destination', path: '/destinations/contacts-api', ready: text('https://api.example.com') },
  { name: 'syncs', path: '/syncs', ready: table('Syncs') },
  { name: 'sync-model', path: '/syncs/new', ready: text('Abandoned carts') },
  { name: 'sync-destination', path: '/syncs/new?model=vip-customers', ready: text('Exports folder') },
  { name: 'sync-configure-file', path: '/syncs/new?model=vip-customers&destination=exports-folder', ready: heading('Field mapping') },
  { name: 'sync-configure-table', path: '/syncs/new?model=vip-customers&destination=crm-database', ready: heading('Record matching') },
  { name: 'sync-configure-request', path: '/syncs/new?model=vip-customers&destination=contacts-api', ready: triggers },
  { name: 'sync-request-configuration', path: '/syncs/abandoned-carts-to-contacts-api?tab=configuration', ready: heading('Rows added') },
  { name: 'sync-schedule', path: '/syncs/new?model=vip-customers&destination=exports-folder&step=schedule', ready: heading('Schedule') },
  { name: 'sync', path: '/syncs/vip-customers-to-crm', ready: table('Runs') },
  { name: 'sync-failed', path: '/syncs/abandoned-carts-to-contacts-api', ready: text('The last run failed') },
  { name: 'sync-never-run', path: '/syncs/vip-customers-to-exports', ready: text('This sync has not run yet') },
  { name: 'sync-configuration', path: '/syncs/vip-customers-to-crm?tab=configuration', ready: heading('Record matching') },
  { name: 'sync-json', path: '/syncs/vip-customers-to-crm?tab=configuration', ready: json },
  { name: 'sync-test-rows', path: '/syncs/vip-customers-to-crm?tab=configuration&test=row', ready: table('Rows to test') },
  { name: 'sync-tested-row', path: '/syncs/vip-customers-to-crm?tab=configuration&test=row&key=C-100003', ready: testedRow },
  { name: 'sync-template', path: '/syncs/vip-customers-to-crm?tab=configuration', ready: template },
  { name: 'sync-inline', path: '/syncs/vip-customers-to-crm?tab=configuration', ready: inline },
  { name: 'sync-schedule-tab', path: '/syncs/vip-customers-to-crm?tab=schedule', ready: heading('Schedule') },
  { name: 'sync-activity', path: '/syncs/vip-customers-to-crm?tab=activity', ready: table('Activity') },
  { name: 'run-with-errors', path: '/syncs/vip-customers-to-crm', ready: run('vip-customers-to-crm', /Completed with errors/) },
  { name: 'run-row', path: '/syncs/vip-customers-to-crm', ready: rowOfRun },
  { name: 'run-failed', path: '/syncs/abandoned-carts-to-contacts-api', ready: run('abandoned-carts-to-contacts-api', /Aborted/) },
  { name: 'sequences', path: '/sequences', ready: table('Sequences') },
  { name: 'sequences-none-match', path: '/sequences?search=zzz', ready: text('No sequences match') },
  { name: 'sequence-new', path: '/sequences/new', ready: steps },
  { name: 'sequence', path: '/sequences/customers-before-their-carts', ready: table('Runs') },
  { name: 'sequence-failed', path: '/sequences/exports-then-the-api', ready: text('The last run failed') },
  { name: 'sequence-never-run', path: '/sequences?search=much+longer', ready: neverRun },
  { name: 'sequence-steps', path: '/sequences/customers-before-their-carts?tab=steps', ready: text('Ends on a fatal error or 5% rejected rows') },
  { name: 'sequence-schedule', path: '/sequences/customers-before-their-carts?tab=schedule', ready: text(/Next runs in UTC/) },
  { name: 'sequence-activity', path: '/sequences/customers-before-their-carts?tab=activity', ready: table('Activity') },
  { name: 'sequence-run', path: '/sequences/customers-before-their-carts', ready: sequenceRun(/Completed with errors/) },
  { name: 'sequence-run-failed', path: '/sequences/exports-then-the-api', ready: sequenceRun(/Failed/) },
  { name: 'syncs-folder', path: '/syncs?folder=Marketing', ready: folderTree },
  { name: 'syncs-folder-empty', path: '/syncs?folder=Nowhere', ready: text('Nothing is in Nowhere') },
  { name: 'syncs-selected', path: '/syncs', ready: selected },
  { name: 'syncs-labels', path: '/syncs?notLabel=team:crm', ready: labelFilter },
  { name: 'syncs-columns', path: '/syncs', ready: columns },
  { name: 'syncs-delete', path: '/syncs', ready: deleteSome },
  { name: 'syncs-critical', path: '/syncs?alerts=critical', ready: table('Syncs') },
  { name: 'sync-alerts', path: '/syncs/vip-customers-to-crm?tab=alerts', ready: table('Alert history') },
  { name: 'sync-alerts-failed', path: '/syncs/abandoned-carts-to-contacts-api?tab=alerts', ready: table('Alert history') },
  { name: 'sync-alerts-quiet', path: '/syncs/vip-customers-to-exports?tab=alerts', ready: text('Nothing has alerted yet') },
  { name: 'sync-alerts-edit', path: '/syncs/vip-customers-to-crm?tab=alerts', ready: editAlerts },
  { name: 'destination-alerts', path: '/destinations/crm-database?tab=alerts', ready: text('Critical above') },
  { name: 'lineage', path: '/lineage', ready: (page) => expect(page.getByRole('link', { name: /^Sync VIP customers to CRM/ })).toBeVisible() },
  { name: 'lineage-list', path: '/lineage?view=list', ready: table('Lineage') },
  { name: 'lineage-found', path: '/lineage?search=carts&trouble=true', ready: text('2 found, with all') },
  { name: 'lineage-nothing', path: '/lineage?search=nothing', ready: text('Nothing fits') },
  { name: 'model-lineage', path: '/models/vip-customers?tab=lineage', ready: (page) => expect(page.getByRole('link', { name: 'Model VIP customers' })).toBeVisible() },
  { name: 'settings-alerts', path: '/settings/alerts', ready: table('Alert channels') },
  { name: 'settings-alert-types', path: '/settings/alerts/new', ready: text('Text messages through Twilio') },
  { name: 'settings-alert-new', path: '/settings/alerts/new?type=slack', ready: heading('Slack') },
  { name: 'settings-alert', path: '/settings/alerts/on-call', ready: text('CRM database') },
  { name: 'settings-monitors', path: '/settings/monitors', ready: table('Monitors') },
  { name: 'settings-monitor-new', path: '/settings/monitors/new', ready: heading('Datadog') },
  { name: 'settings-monitor', path: '/settings/monitors/datadog-of-the-data-team', ready: text('403 Forbidden') },
  { name: 'settings-workspace', path: '/settings/workspace', ready: table('Usage by month') },
  { name: 'workspaces', path: '/workspaces', ready: table('Workspaces') },
  { name: 'settings-keys', path: '/settings/keys', ready: table('API keys') },
  { name: 'settings-storage', path: '/settings/storage', ready: table('Storages') },
  { name: 'settings-storage-switch', path: '/settings/storage', ready: consequences },
  { name: 'settings-storage-new', path: '/settings/storage/new?type=s3', ready: heading('Bucket') },
  { name: 'settings-storage-edit', path: '/settings/storage/lake', ready: text('Stored. It is never shown again.') },
  { name: 'settings-tunnels', path: '/settings/tunnels', ready: table('Tunnels') },
  { name: 'settings-tunnel-new', path: '/settings/tunnels/new?type=standard', ready: heading('Tunnel') },
  { name: 'settings-tunnel', path: '/settings/tunnels/office', ready: text('Forget host key') },
  { name: 'settings-tunnel-broken', path: '/settings/tunnels/old-data-centre', ready: text('cannot be reached') },
  { name: 'settings-tunnel-reverse', path: '/settings/tunnels/warehouse-of-the-subsidiary', ready: text('Tunnel port') },
  { name: 'settings-credentials', path: '/settings/credentials', ready: table('Credentials') },
  { name: 'settings-credential-new', path: '/settings/credentials/new?type=aws', ready: text('123456789012') },
  { name: 'settings-credential', path: '/settings/credentials/analytics-account', ready: heading('Service account') },
  { name: 'not-found', path: '/nowhere/at/all', ready: heading('There is nothing at this address') },
]
