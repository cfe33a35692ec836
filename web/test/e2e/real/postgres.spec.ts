import { execFileSync } from 'node:child_process'
import { breaches, choose, expect, signIn, test } from '../app'
import { addSource, addSqlModel, editSql, named, waitForEnd, write } from './steps'

// Rows to a table of PostgreSQL and back, over a real server. MILLRACE_E2E_POSTGRES_URL names the database, in which
// a table is made and dropped. The steps build on each other.

test.describe.configure({ mode: 'serial' })

const given = process.env.MILLRACE_E2E_POSTGRES_URL ?? ''

/** What is missing for these tests; nothing when they can run. */
function missing(): string {
  if (given === '') return 'MILLRACE_E2E_POSTGRES_URL is not set: it names the PostgreSQL that rows are sent to'
  try {
    execFileSync('psql', ['--version'])
    return ''
  } catch {
    return 'psql is not installed: it makes the table and reads it'
  }
}

const lacking = missing()
test.skip(lacking !== '', lacking)

const stamp = Date.now().toString(36)
const table = `people_${stamp}`
const [shop, people, database, sync] = [named('Postgres shop'), named('Members'), named('Members database'), named('Members to table')]
const psql = (sql: string): string => execFileSync('psql', [given, '-qAtX', '-v', 'ON_ERROR_STOP=1', '-c', sql], { encoding: 'utf8' }).trim()
const contents = (): string => psql(`SELECT string_agg(id || '=' || name || '/' || tier, ' ' ORDER BY id) FROM ${table}`)

test.beforeAll(() => {
  psql(`CREATE TABLE ${table} (id bigint PRIMARY KEY, name text, tier text NOT NULL DEFAULT 'none')`)
  psql(`INSERT INTO ${table} VALUES (2, 'Robert', 'gold'), (9, 'Ivy', 'gold')`)
})
test.afterAll(() => void psql(`DROP TABLE ${table}`))
test.beforeEach(({ page }) => signIn(page))

const rows = (...names: string[]) =>
  `SELECT * FROM (VALUES ${names.map((name, i) => `(${i + 1}, '${name}')`).join(', ')}) AS p (id, name)`

/** Fills the connection's form; port is one where nobody answers at first. */
async function connect(page: Parameters<typeof write>[0], port: string): Promise<void> {
  const url = new URL(given)
  await page.getByLabel('Host').fill(url.hostname)
  await page.getByLabel('Port').fill(port)
  await page.getByLabel('Database').fill(url.pathname.slice(1))
  await page.getByLabel('User').fill(url.username)
  if (url.password !== '') await page.getByRole('textbox', { name: 'Password' }).fill(decodeURIComponent(url.password))
}

// Req: S-03
test('a server that does not answer is told in the words of the driver, and tested again', async ({ page }) => {
  await page.goto('/destinations/new?type=postgres')
  await connect(page, '1')
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByRole('alert')).toContainText('connection refused')
  await page.getByRole('button', { name: 'Test again' }).click()
  await expect(page.getByRole('alert')).toContainText('connection refused')
  expect(await breaches(page)).toEqual([])
  await page.getByLabel('Port').fill(new URL(given).port)
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('The connection works.')).toBeVisible()
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill(database)
  await page.getByRole('button', { name: 'Finish' }).click()
  await expect(page.getByRole('heading', { level: 1, name: database })).toBeVisible()
})

// Req: SY-18, SY-21, SY-23
test('rows are matched to those of a table by a column, and change or join them', async ({ page }) => {
  await addSource(page, shop)
  await addSqlModel(page, { source: shop, name: people, sql: rows('Ada', 'Bob'), key: 'id' })
  await page.goto('/syncs/new')
  await page.getByRole('button', { name: new RegExp(`^${people}`) }).click()
  await page.getByRole('button', { name: database }).click()
  await page.getByLabel('Upsert').check()
  await page.getByRole('combobox', { name: 'Table' }).fill(table)
  await page.getByRole('option', { name: table }).click()
  await choose(page, 'Match column', 'id')
  await choose(page, 'Match field', 'id')
  await page.getByLabel('Every column under its own name').uncheck({ force: true })
  await page.getByRole('button', { name: 'Suggest mappings' }).click()
  await expect(page.getByRole('group', { name: 'Mapping 1' })).toBeVisible()
  await choose(page, 'Delete behavior', /^Delete/)
  expect(await breaches(page)).toEqual([])
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill(sync)
  await page.getByRole('button', { name: 'Finish and run' }).click()
  await waitForEnd(page, 'Completed')
  expect(contents()).toBe('1=Ada/none 2=Bob/gold 9=Ivy/gold')
  await page.getByRole('button', { name: '2', exact: true }).click()
  await expect(page.getByRole('dialog').getByRole('table')).toContainText('Bob')
})

// Req: SY-15, SY-39
test('what leaves the model leaves the table, and nothing else does', async ({ page }) => {
  await editSql(page, people, rows('Adele'))
  await page.goto('/syncs')
  await page.getByRole('link', { name: sync, exact: true }).click()
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await waitForEnd(page, 'Completed')
  expect(contents()).toBe('1=Adele/none 9=Ivy/gold')
})

// Req: S-02, S-04, M-17
test('the same database is a source, whose tables and rows are shown', async ({ page }) => {
  const source = named('Members source')
  await page.goto('/sources/new?type=postgresql')
  await connect(page, new URL(given).port)
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('The connection works.')).toBeVisible()
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill(source)
  await page.getByRole('button', { name: 'Finish' }).click()
  await page.getByRole('link', { name: 'Add model' }).first().click()
  await write(page, `SELECT id, name FROM ${table} WHERE nam = 'x'`)
  await page.getByRole('button', { name: 'Preview', exact: true }).click()
  await expect(page.getByRole('region', { name: 'Preview' }).getByRole('alert')).toContainText('column "nam" does not exist')
  await write(page, `SELECT id, name FROM ${table}`)
  await page.getByRole('button', { name: 'Preview', exact: true }).click()
  await expect(page.getByRole('table', { name: 'Preview rows' })).toContainText('Adele')
})

// Req: S-03, S-06, SY-47
test('the SQL that the Lightning engine asks for is all that it takes', async ({ page }) => {
  const suffix = stamp
  const [user, planner, audit] = [`limited_${suffix}`, `plan_${suffix}`, `audit_of_${suffix}`]
  psql(`CREATE ROLE ${user} LOGIN PASSWORD 'limited'`)
  try {
    const url = new URL(given)
    await page.goto('/sources/new?type=postgresql')
    await connect(page, url.port)
    await page.getByLabel('User').fill(user)
    await page.getByRole('textbox', { name: 'Password' }).fill('limited')
    await page.getByRole('radio', { name: 'Lightning' }).check()
    await page.getByRole('button', { name: 'Advanced settings' }).click()
    await page.getByLabel('Planner schema').fill(planner)
    await page.getByLabel('Audit schema').fill(audit)
    await page.getByRole('button', { name: 'Test connection' }).click()
    await expect(page.getByRole('alert').filter({ hasText: planner })).toContainText('GRANT')
    await expect(page.getByRole('button', { name: 'Continue' })).toBeDisabled()
    const grants = await page.getByLabel('Grants', { exact: true }).innerText()
    for (const part of [`CREATE SCHEMA IF NOT EXISTS "${planner}"`, `CREATE SCHEMA IF NOT EXISTS "${audit}"`, `ON SCHEMA "${planner}" TO "${user}"`]) expect(grants).toContain(part)
    psql(grants)
    await page.getByRole('button', { name: 'Test again' }).click()
    await expect(page.getByText('The connection works.')).toBeVisible()
    await expect(page.getByRole('button', { name: 'Continue' })).toBeEnabled()
  } finally {
    psql(`DROP SCHEMA IF EXISTS ${planner}, ${audit} CASCADE; DROP ROLE ${user}`)
  }
})
