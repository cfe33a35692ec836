import { execFileSync } from 'node:child_process'
import { breaches, choose, expect, signIn, test } from '../app'
import { addDestination, addModel, addSource, addSqlModel, addSync, applyDocuments, named, slugged, waitForEnd, write } from './steps'

// What becomes of models after they were made, over a real server.

test.beforeEach(({ page }) => signIn(page))

// Req: M-14, M-15, M-16
test('a model knows what its source says of its columns, and is cloned with its sync', async ({ page }) => {
  const [shop, carts, folder, sync] = [named('Described shop'), named('Described carts'), named('Described folder'), named('Described sync')]
  await addSource(page, shop)
  await addModel(page, shop, carts)
  await page.getByRole('tab', { name: /Columns/ }).click()
  const email = page.getByRole('textbox', { name: 'Description of email', exact: true })
  await expect(email).toHaveAttribute('placeholder', 'Address that the customer confirmed')
  await email.fill('Private address')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('The columns are saved.')).toBeVisible()
  await page.getByRole('button', { name: 'Refresh columns available in source' }).click()
  await expect(page.getByText('The columns are as in the source.')).toBeVisible({ timeout: 45_000 })
  await expect(email).toHaveValue('Private address')
  expect(await breaches(page)).toEqual([])

  await addDestination(page, folder)
  await addSync(page, { model: carts, destination: folder, name: sync, file: 'described.csv' })
  await waitForEnd(page, 'Completed')
  await page.goto('/models')
  await page.getByRole('link', { name: carts, exact: true }).click()
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Clone' }).click()
  await page.getByRole('button', { name: 'Preview', exact: true }).click()
  await expect(page.getByRole('table', { name: 'Preview rows' })).toBeVisible({ timeout: 45_000 })
  await page.getByRole('checkbox', { name: sync }).check()
  await page.getByRole('textbox', { name: 'Name' }).fill(`${carts} again`)
  expect(await breaches(page)).toEqual([])
  await page.getByRole('button', { name: 'Clone', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: `${carts} again` })).toBeVisible()
  await expect(page.getByRole('row', { name: `Copy of ${sync}` })).toContainText('Disabled')
})

// Req: AUD-2, AUD-4, AUD-13, AUD-14
test('the rows of a model are narrowed by conditions', async ({ page }) => {
  const [shop, people] = [named('Filtered shop'), named('Filtered customers')]
  await addSource(page, shop)
  await addSqlModel(page, { source: shop, name: people, sql: 'SELECT * FROM public.customers', key: 'customer_id' })
  await page.getByRole('tab', { name: 'Preview' }).click()
  const preview = page.getByRole('button', { name: 'Preview', exact: true })
  await preview.click()
  await expect(page.getByText('100 rows of 50,000 rows')).toBeVisible({ timeout: 45_000 })

  await page.getByRole('button', { name: 'Filter' }).click()
  await page.getByRole('button', { name: 'Add condition' }).click()
  await expect(page.getByRole('combobox', { name: 'Column' })).toBeFocused()
  await choose(page, 'Column', /state$/)
  await preview.click()
  await expect(page.getByText('Enter a value.')).toBeVisible()
  await page.getByRole('combobox', { name: 'Values' }).click()
  await page.getByRole('option', { name: 'TX', exact: true }).click()
  await page.getByRole('button', { name: 'Add group' }).click()
  const group = page.getByRole('group', { name: 'group 2', exact: true })
  await choose(group, 'Column', /first_name$/)
  await choose(group, 'Operator', 'starts with')
  await group.getByRole('textbox', { name: 'Value', exact: true }).fill('Ol')
  await group.getByRole('button', { name: 'Duplicate group 2, condition 1' }).click()
  await group.getByRole('textbox', { name: 'Value', exact: true }).nth(1).fill('Noa')
  expect(await breaches(page)).toEqual([])
  await preview.click()
  await expect(page.getByText(/100 rows of [\d,]+ rows that match/)).toBeVisible({ timeout: 45_000 })
  const cells = page.getByRole('table', { name: 'Preview rows' }).getByRole('row')
  await expect(cells.nth(1)).toContainText(/(Ol|Noa).*TX/)

  await page.reload()
  await expect(page.getByRole('button', { name: 'Filter: 3' })).toBeVisible()
  await expect(group.getByRole('textbox', { name: 'Value', exact: true }).nth(1)).toHaveValue('Noa')
  await page.getByRole('button', { name: 'Filter: 3' }).click()
  await expect(page.getByText('Rows for which state equals TX and (first_name starts with Ol or first_name starts with Noa).')).toBeVisible()
  await page.getByRole('button', { name: 'Filter: 3' }).click()
  await page.getByRole('button', { name: 'Remove group 2', exact: true }).click()
  await page.getByRole('combobox', { name: 'Values' }).click()
  await page.keyboard.type('nowhere')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Remove all' }).click()
  await preview.click()
  await expect(page.getByText('100 rows of 50,000 rows')).toBeVisible({ timeout: 45_000 })
  await page.getByRole('button', { name: 'Add condition' }).click()
  await page.getByRole('combobox', { name: 'Values' }).click()
  await page.keyboard.type('nobody')
  await page.keyboard.press('Enter')
  await preview.click()
  await expect(page.getByText('No row matches')).toBeVisible({ timeout: 45_000 })
})

// Req: M-30
test('the place of an error in a query is marked', async ({ page }) => {
  const shop = named('Misspelt shop')
  await addSource(page, shop)
  await page.getByRole('link', { name: 'Add model' }).first().click()
  await write(page, '\nSELECT customer_id,\n  emial\nFROM public.customers')
  await page.keyboard.press('Control+Enter')
  await expect(page.locator('.cm-errorMark')).toHaveText('emial', { timeout: 45_000 })
})

const given = process.env.MILLRACE_E2E_POSTGRES_URL ?? ''

/** Whether a PostgreSQL and a program to change it are there. */
function reachable(): boolean {
  try {
    return given !== '' && execFileSync('psql', ['--version']).length > 0
  } catch {
    return false
  }
}

// Req: M-14, M-15, M-31
test('columns that change in a table are seen and taken over', async ({ page }) => {
  test.skip(!reachable(), 'MILLRACE_E2E_POSTGRES_URL is not set, or psql is not installed: they change a table')
  const psql = (sql: string) => execFileSync('psql', [given, '-qAtX', '-v', 'ON_ERROR_STOP=1', '-c', sql])
  const table = `drifting_${Date.now().toString(36)}`
  psql(`CREATE TABLE ${table} (id int PRIMARY KEY, mail text, age text); INSERT INTO ${table} VALUES (1, 'a@example.com', '30')`)
  psql(`COMMENT ON COLUMN ${table}.mail IS 'Confirmed by a click'`)
  try {
    const [source, name, url] = [named('Drifting'), named('Drifters'), new URL(given)]
    await page.goto('/sources/new?type=postgresql')
    await page.getByLabel('Host').fill(url.hostname)
    await page.getByLabel('Port').fill(url.port)
    await page.getByLabel('Database').fill(url.pathname.slice(1))
    await page.getByLabel('User').fill(url.username)
    if (url.password !== '') await page.getByRole('textbox', { name: 'Password' }).fill(decodeURIComponent(url.password))
    await page.getByRole('button', { name: 'Test connection' }).click()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill(source)
    await page.getByRole('button', { name: 'Finish' }).click()
    await page.getByRole('link', { name: 'Add model' }).first().click()
    await write(page, `SELECT * FROM ${table}`)
    await page.keyboard.press('Control+Enter')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill(name)
    await page.getByRole('button', { name: 'Finish' }).click()
    await page.getByRole('tab', { name: /Columns/ }).click()
    await expect(page.getByRole('textbox', { name: 'Description of mail' })).toHaveAttribute('placeholder', 'Confirmed by a click')

    psql(`ALTER TABLE ${table} RENAME mail TO email; ALTER TABLE ${table} ALTER age TYPE int USING age::int; ALTER TABLE ${table} ADD seen timestamptz`)
    psql(`COMMENT ON COLUMN ${table}.id IS 'Given at sign-up'`)
    await page.getByRole('button', { name: 'Refresh columns available in source' }).click()
    const changes = page.getByRole('list', { name: 'Changed columns' })
    await expect(changes.getByRole('listitem')).toHaveCount(3)
    await expect(changes).toContainText('email, as it seems')
    await expect(page.getByRole('textbox', { name: 'Description of id' })).toHaveAttribute('placeholder', 'Given at sign-up')
    await page.getByRole('button', { name: 'Take the columns over' }).click()
    await expect(changes).toHaveCount(0)
    await expect(page.getByRole('textbox', { name: 'Description of email' })).toHaveAttribute('placeholder', 'Confirmed by a click')
    await expect(page.getByRole('combobox', { name: 'Type of age' })).toHaveValue('Number')
  } finally {
    psql(`DROP TABLE ${table}`)
  }
})

// Req: M-33, M-30
test('what a database says of a wrong query is explained', async ({ page }) => {
  test.skip(!reachable(), 'MILLRACE_E2E_POSTGRES_URL is not set, or psql is not installed: they make the tables')
  test.slow() // many queries, each of which a real server refuses
  const psql = (sql: string) => execFileSync('psql', [given, '-qAtX', '-v', 'ON_ERROR_STOP=1', '-c', sql])
  const [source, url] = [slugged('explained'), new URL(given)]
  const suffix = source.replaceAll('-', '_')
  const [people, hidden, reader] = [`people_${suffix}`, `hidden_${suffix}`, `reader_${suffix}`]
  psql(`CREATE TABLE ${people} (id int, name text); CREATE TABLE ${hidden} (id int); CREATE ROLE ${reader} LOGIN PASSWORD 'read'; GRANT SELECT ON ${people} TO ${reader}`)
  try {
    const configuration = { host: url.hostname, port: Number(url.port), database: url.pathname.slice(1), user: reader, password: 'read' }
    await applyDocuments(page, [{ kind: 'source', metadata: { slug: source, name: source }, spec: { type: 'postgresql', configuration } }])
    await page.goto(`/models/new?source=${source}`)
    const refused = page.getByRole('region', { name: 'Preview' }).getByRole('alert')
    for (const { sql, says, advises } of [
      { sql: `SELECT nam FROM ${people}`, says: 'column "nam" does not exist', advises: 'Perhaps you meant to reference the column' },
      { sql: `SELECT xyzzyq FROM ${people}`, says: 'column "xyzzyq" does not exist', advises: "Check the column's name" },
      { sql: `SELECT id FROM ${people} a, ${people} b`, says: 'column reference "id" is ambiguous', advises: 'write it as table.column' },
      { sql: `SELECT * FROM ${people}x`, says: `relation "${people}x" does not exist`, advises: 'write it with its schema' },
      { sql: 'SELECT * FROM nowhere.people', says: 'relation "nowhere.people" does not exist', advises: "the source's tables are listed on its page" },
      { sql: `SELECT * FROM ${hidden}`, says: `permission denied for table ${hidden}`, advises: 'Grant' },
      { sql: `SELECT id FROM ${people} WHERE name > 1`, says: 'operator does not exist: text > integer', advises: 'explicit type casts' },
      { sql: `SELECT id FROM ${people} WHERE name`, says: 'must be type boolean', advises: 'Bring both to one type with CAST' },
    ]) {
      await write(page, sql)
      await page.keyboard.press('Control+Enter')
      await expect(refused).toContainText(says, { timeout: 45_000 })
      await expect(refused).toContainText(advises)
    }
    await page.keyboard.press('Escape') // what the editor offers to complete is not looked at here
    await expect(page.getByRole('listbox', { name: 'Completions' })).toHaveCount(0)
    expect(await breaches(page)).toEqual([])
  } finally {
    psql(`DROP TABLE ${people}, ${hidden}; DROP ROLE ${reader}`)
  }
})
