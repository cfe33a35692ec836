import { execFileSync } from 'node:child_process'
import { breaches, choose, expect, signIn, test } from '../app'
import { applyDocuments, named, slugged, waitForEnd } from './steps'

// A warehouse with the Lightning engine, over a real server: arrays become rows, the warehouse holds what became of
// each, and a dbt project says which models it has. MILLRACE_E2E_POSTGRES_URL names the database. The tests build on each other.

test.describe.configure({ mode: 'serial' })

const given = process.env.MILLRACE_E2E_POSTGRES_URL ?? ''

/** What is missing for these tests; nothing when they can run. */
function missing(): string {
  if (given === '') return 'MILLRACE_E2E_POSTGRES_URL is not set: it names the PostgreSQL that is the warehouse'
  try {
    execFileSync('psql', ['--version'])
    return ''
  } catch {
    return 'psql is not installed: it makes the tables and reads them'
  }
}

const lacking = missing()
test.skip(lacking !== '', lacking)

const [source, model, destination, sync] = [slugged('wh'), slugged('wh-devices'), slugged('wh-crm'), slugged('wh-sync')]
const suffix = source.replaceAll('-', '_')
const [from, to, audit, planner] = [`devices_${suffix}`, `seen_${suffix}`, `audit_${suffix}`, `planner_${suffix}`]
const psql = (sql: string): string => execFileSync('psql', [given, '-qAtX', '-v', 'ON_ERROR_STOP=1', '-c', sql], { encoding: 'utf8' }).trim()

test.beforeAll(() => {
  psql(`CREATE TABLE ${from} (id bigint PRIMARY KEY, owner text, device_ids text[])`)
  psql(`INSERT INTO ${from} VALUES (1, 'Ada', '{a1,a2}'), (2, 'Bob', '{b1}'), (3, 'Cyd', '{}')`)
  psql(`CREATE TABLE ${to} (device text PRIMARY KEY, owner text); CREATE SCHEMA ${audit}; CREATE SCHEMA ${planner}`)
})
test.afterAll(() => void psql(`DROP TABLE ${from}, ${to}; DROP SCHEMA IF EXISTS ${audit}, ${planner} CASCADE`))
test.beforeEach(({ page }) => signIn(page))

// Req: SY-89, SY-91
test('the elements of a column of arrays are sent as rows of their own', async ({ page }) => {
  const url = new URL(given)
  const configuration = { host: url.hostname, port: Number(url.port), database: url.pathname.slice(1), user: url.username, password: decodeURIComponent(url.password) || 'none' }
  const document = (kind: string, slug: string, spec: object) => ({ kind, metadata: { slug, name: slug }, spec })
  await applyDocuments(page, [
    document('source', source, { type: 'postgresql', engine: 'lightning', configuration: { ...configuration, plannerSchema: planner, auditSchema: audit } }),
    document('model', model, { source, method: 'sql', sql: `SELECT id, owner, device_ids FROM ${from}`, primaryKey: 'id', columns: [{ name: 'id', type: 'number', native: 'bigint' }, { name: 'owner', type: 'string', native: 'text' }, { name: 'device_ids', type: 'object', native: 'text[]' }] }),
    document('destination', destination, { type: 'postgres', configuration }),
    document('sync', sync, { model, destination, type: 'table', mode: 'upsert', delete: 'delete', settings: { schema: 'public', table: to }, match: [{ from: 'owner', to: 'device' }], mappings: [{ to: 'owner', from: 'owner' }], schedule: { type: 'manual' }, disabled: false }),
  ])
  await page.goto(`/syncs/${sync}?tab=configuration`)
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await choose(page, 'Match column', 'device_ids')
  await expect(page.getByText('Array expansion is on')).toBeVisible()
  await expect(page.getByRole('combobox', { name: 'Match column' })).toHaveValue('_ht_device_ids_element')
  expect(await breaches(page)).toEqual([])
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Edit', exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await waitForEnd(page, 'Completed')
  expect(psql(`SELECT string_agg(device || '=' || owner, ' ' ORDER BY device) FROM ${to}`)).toBe('a1=Ada a2=Ada b1=Bob')
})

// Req: SY-53, SY-54, SY-56
test('the warehouse is told what became of rows, and the page says which run was written', async ({ page }) => {
  await page.goto(`/sources/${source}?tab=sync-logs`)
  const tables = page.getByRole('region', { name: 'Tables' })
  for (const name of ['Changelog', 'Sync runs']) await tables.getByRole('checkbox', { name }).check()
  await tables.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('The sync logs are saved.')).toBeVisible()
  psql(`UPDATE ${from} SET device_ids = '{b2}' WHERE id = 2`)
  await page.goto(`/syncs/${sync}`)
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await waitForEnd(page, 'Completed')
  await expect
    .poll(
      async () => {
        await page.goto(`/syncs/${sync}?tab=sync-logs`)
        return page.getByRole('region', { name: 'Last write' }).textContent()
      },
      { timeout: 60_000 },
    )
    .toMatch(/Run \d+/)
  expect(await breaches(page)).toEqual([])
  expect(psql(`SELECT string_agg(op_type || ' ' || status, ', ' ORDER BY op_type) FROM ${audit}.sync_changelog`)).toBe('added succeeded, removed succeeded')
})

const manifest = {
  metadata: {
    dbt_schema_version: 'https://schemas.getdbt.com/dbt/manifest/v12.json',
    dbt_version: '1.10.4',
    generated_at: '2026-02-28T07:00:00Z',
    adapter_type: 'postgres',
    project_name: 'shop',
  },
  macros: {},
  nodes: {
    'model.shop.vips': {
      name: 'vips',
      package_name: 'shop',
      original_file_path: 'models/vips.sql',
      description: 'People who bought a lot',
      relation_name: `public.${from}`,
      language: 'sql',
      compiled_code: `SELECT id, owner FROM ${from}`,
      config: { materialized: 'table' },
      columns: { owner: { name: 'owner', description: 'Whose devices they are' } },
    },
  },
}

const file = (content: object) => ({ name: 'manifest.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(content)) })

// Req: DBT-01, DBT-03, DBT-04
test('a manifest is loaded from a file, and a model is made of what it lists', async ({ page }) => {
  const [project, people] = [named('Shop project'), named('dbt people')]
  await page.goto(`/sources/${source}`)
  await page.getByRole('tab', { name: 'dbt' }).click()
  await page.getByRole('button', { name: 'Add dbt project' }).first().click()
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill(project)
  await page.getByRole('textbox', { name: 'Address of its files' }).fill('https://github.com/acme/shop/blob/main')
  await page.getByRole('button', { name: 'Save' }).click()
  const card = page.getByRole('region', { name: project })
  await expect(card).toContainText('No manifest yet')
  expect(await breaches(page)).toEqual([])

  const upload = card.locator('input[type=file]')
  await upload.setInputFiles(file({ nodes: [] }))
  await expect(card.getByRole('alert')).toContainText('manifest')
  await upload.setInputFiles(file(manifest))
  await expect(card).toContainText('1.10.4')

  await page.getByRole('link', { name: 'Add model' }).first().click()
  await page.getByText('dbt model', { exact: true }).click()
  await page.getByRole('list', { name: 'Models and analyses' }).getByRole('button', { name: /vips/ }).click()
  await expect(page.getByText('model.shop.vips').first()).toBeVisible()
  await expect(page.getByRole('link', { name: /models\/vips\.sql/ })).toHaveAttribute('href', 'https://github.com/acme/shop/blob/main/models/vips.sql')
  await page.getByRole('button', { name: 'Preview', exact: true }).click()
  await expect(page.getByRole('table', { name: 'Preview rows' })).toBeVisible({ timeout: 45_000 })
  expect(await breaches(page)).toEqual([])
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill(people)
  await page.getByRole('button', { name: 'Finish' }).click()
  await expect(page.getByRole('heading', { level: 1, name: people })).toBeVisible()
  await page.getByRole('tab', { name: /^Columns/ }).click()
  await expect(page.getByRole('textbox', { name: 'Description of owner' })).toHaveAttribute('placeholder', 'Whose devices they are')
})
