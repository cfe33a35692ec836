import { readFile } from 'node:fs/promises'
import type { Page } from '@playwright/test'
import { breaches, choose, expect, signIn, test } from '../app'

const back = (page: Page) => page.goBack()

test.beforeEach(({ request }) => request.get('/mock/reset'))

test('a wrong password is refused in plain words', async ({ page }) => {
  await page.goto('/syncs?search=vip')
  await page.getByLabel('Email').fill('admin@example.com')
  await page.getByRole('textbox', { name: 'Password' }).fill('wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toContainText('the email or the password is wrong')
  await page.getByRole('textbox', { name: 'Password' }).fill('millrace')
  await page.getByRole('button', { name: 'Sign in' }).click()
  // The page that was asked for comes after signing in, with its filter.
  await expect(page).toHaveURL(/\/syncs\?search=vip/)
  await expect(page.getByRole('table', { name: 'Syncs' })).toContainText('VIP customers to CRM')
})

test('signing out leads to sign-in, and the pages stay closed', async ({ page }) => {
  await signIn(page)
  await page.getByRole('button', { name: /^Account of/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
  await page.goto('/syncs')
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
})

// Req: S-03
test('a connection must be tested, and a failure is told in the words of the driver', async ({ page }) => {
  await signIn(page)
  await page.goto('/sources/new?type=postgres')
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('Host is required.')).toBeVisible()
  await page.getByLabel('Host').fill('nowhere.example')
  await page.getByLabel('Database').fill('shop')
  await page.getByLabel('User').fill('mira')
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByRole('alert')).toContainText('hostname resolving error: lookup nowhere.example: no such host')
  await expect(page.getByRole('button', { name: 'Continue' })).toBeDisabled()
  await page.getByRole('button', { name: 'Test again' }).click()
  await expect(page.getByRole('alert')).toContainText('no such host')
  await page.getByLabel('Host').fill('db.example')
  // What was tested is not what is entered now.
  await expect(page.getByRole('alert')).toHaveCount(0)
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('The connection works.')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Continue' })).toBeEnabled()
})

async function write(page: Page, sql: string): Promise<void> {
  const editor = page.getByRole('textbox', { name: 'SQL query' })
  await editor.click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.press('Delete')
  await page.keyboard.insertText(sql)
}

// Req: M-13, M-19
test('a model is previewed before it is saved; errors and empty results say what to do', async ({ page }) => {
  await signIn(page)
  await page.goto('/models/new?source=production-warehouse')
  await write(page, 'SELECT * FROM public.custmers')
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('alert')).toContainText('Catalog Error: Table with name public.custmers does not exist!')
  await expect(page.getByRole('button', { name: 'Continue' })).toBeDisabled()

  await write(page, 'SELECT * FROM public.customers WHERE false')
  await page.getByRole('button', { name: 'Preview', exact: true }).click()
  await expect(page.getByText("UNION ALL SELECT 'ignore'")).toBeVisible()
  await expect(page.getByRole('button', { name: 'Continue' })).toBeDisabled()

  await write(page, 'SELECT * FROM public.customers')
  await page.getByRole('button', { name: 'Preview', exact: true }).click()
  await expect(page.getByText('100 rows of 8,421 rows')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Continue' })).toBeEnabled()
  await write(page, 'SELECT email FROM public.customers')
  await expect(page.getByText('The query has changed since this preview.')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Continue' })).toBeDisabled()
})

test('the SQL editor completes tables of the real schema', async ({ page }) => {
  await signIn(page)
  await page.goto('/models/new?source=production-warehouse')
  await page.getByRole('textbox', { name: 'SQL query' }).click()
  await page.keyboard.type('SELECT * FROM vip_c')
  await expect(page.getByRole('option', { name: /vip_customers/ })).toBeVisible()
})

// Req: M-17
test('a model can be a table', async ({ page }) => {
  await signIn(page)
  await page.goto('/models/new?source=production-warehouse&method=table')
  await page.getByRole('textbox', { name: 'Search tables and columns' }).fill('organ')
  await page.getByRole('button', { name: /public\.organizations/ }).click()
  await page.getByRole('button', { name: 'Preview', exact: true }).click()
  await expect(page.getByText('100 rows of 50,000 rows')).toBeVisible()
  await page.getByRole('button', { name: 'Continue' }).click()
  await expect(page.getByLabel('Name')).toHaveValue('organizations')
})

// Req: M-25
test('a cast is chosen in the Columns tab', async ({ page }) => {
  await signIn(page)
  await page.goto('/models/abandoned-carts?tab=columns')
  await choose(page, 'Type of ltv', 'Number')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('The columns are saved.')).toBeVisible()
  await page.reload()
  await expect(page.getByRole('combobox', { name: 'Type of ltv' })).toHaveValue('Number')
})

// Req: SY-09, SY-21, SY-23, SY-24, SY-25, SY-26
test('a sync is configured: settings, matching, suggested and other mappings', async ({ page }) => {
  await signIn(page)
  await page.goto('/syncs/new?model=vip-customers&destination=crm-database')
  await page.getByRole('button', { name: 'Continue' }).click()
  await expect(page.getByText('Table is required.')).toBeVisible()
  await expect(page.getByText('Choose a column and the field that it is matched to.')).toBeVisible()
  await choose(page, 'Table', 'public.contacts')
  await choose(page, 'Match column', 'customer_id')
  await choose(page, 'Match field', 'customer_id')
  await page.getByRole('button', { name: 'Suggest mappings' }).click()
  await expect(page.getByRole('group', { name: 'Mapping 6' })).toBeVisible()
  const first = page.getByRole('group', { name: 'Mapping 1' })
  await expect(first.getByRole('combobox', { name: 'Column' })).toHaveValue('customer_id')
  await first.getByLabel('Don’t sync null values').check()
  const second = page.getByRole('group', { name: 'Mapping 2' })
  await second.getByRole('combobox', { name: 'Filled with' }).click()
  await page.getByRole('option', { name: 'Static value' }).click()
  await second.getByRole('textbox', { name: 'Value' }).fill('none')
  expect(await breaches(page)).toEqual([])
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByLabel('Cron').check()
  await page.getByLabel('Cron expression').fill('0 12 LW * *')
  await expect(page.getByText('W, LW, L-2 and # are not supported.')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Finish', exact: true })).toBeDisabled()
  await page.getByLabel('Cron expression').fill('0 12 * * *')
  await expect(page.getByText(/^Next runs in/)).toBeVisible()
  // The draft survives a reload and the way back.
  await page.reload()
  await expect(page.getByLabel('Cron expression')).toHaveValue('0 12 * * *')
  await page.getByRole('button', { name: 'Finish', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'VIP customers to CRM database' })).toBeVisible()
  await page.getByRole('tab', { name: 'Configuration' }).click()
  await expect(page.getByText('without nulls')).toBeVisible()
})

// Req: SY-04, SY-05, SY-12
test('a sync is disabled, resynced after a warning, and cancelled', async ({ page, request }) => {
  await request.get('/mock/reset?step=600000')
  await signIn(page)
  await page.goto('/syncs/abandoned-carts-to-contacts-api')
  await page.getByRole('switch', { name: 'Enabled' }).click({ force: true })
  await expect(page.getByText('The schedule is stopped.')).toBeVisible()
  await page.getByRole('button', { name: 'More actions' }).click()
  await expect(page.getByRole('menuitem', { name: 'Clear and fill' })).toHaveCount(0)
  await page.getByRole('menuitem', { name: 'Resync full query' }).click()
  await expect(page.getByRole('dialog')).toContainText('may appear twice')
  await page.getByRole('button', { name: 'Resync full query' }).click()
  await expect(page.getByRole('heading', { level: 1, name: /^Run/ })).toBeVisible()
  await page.getByRole('button', { name: 'Cancel run' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel run' }).click()
  await expect(page.getByText('Cancelled by user')).toBeVisible()
})

// Req: SY-13
test('clear and fill is offered where the destination can clear', async ({ page }) => {
  await signIn(page)
  await page.goto('/syncs/vip-customers-to-crm')
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Clear and fill' }).click()
  await expect(page.getByRole('dialog')).toContainText('is removed first')
  await page.getByRole('button', { name: 'Cancel' }).click()
})

// Req: SY-70
test('runs without operations, and those without successful ones, can be hidden, and the address keeps it', async ({ page }) => {
  await signIn(page)
  await page.goto('/syncs/vip-customers-to-crm')
  const rows = page.getByRole('table', { name: 'Runs' }).getByRole('row')
  await expect(rows).toHaveCount(11)
  await choose(page, 'Runs shown', 'Runs with operations')
  await expect(rows).toHaveCount(8)
  await page.reload()
  await expect(rows).toHaveCount(8)
  await page.goto('/syncs/abandoned-carts-to-contacts-api')
  await expect(rows).toHaveCount(2)
  await choose(page, 'Runs shown', 'Runs with successful operations')
  await expect(page.getByText('No run had a successful operation')).toBeVisible()
  await page.getByRole('button', { name: 'Show all runs' }).click()
  await expect(rows).toHaveCount(2)
})

// Req: SY-73
test('rows are taken away as a file, all of them or those that were rejected', async ({ page }) => {
  await signIn(page)
  await page.goto('/syncs/vip-customers-to-crm')
  await page.getByRole('row', { name: /Completed with errors/ }).getByRole('link').click()
  await page.getByRole('button', { name: 'Export' }).click()
  await expect(page.getByRole('menuitem')).toHaveCount(4)
  const started = page.waitForEvent('download')
  await page.getByRole('menuitem', { name: 'Rejected rows as CSV' }).click()
  const download = await started
  expect(download.suggestedFilename()).toMatch(/^run-\d+\.csv$/)
  const lines = (await readFile(await download.path(), 'utf8')).split('\n')
  expect(lines).toHaveLength(10)
  expect(lines[0]).toBe('"primary_key","operation","status","error","customer_id","email","first_name","city","ltv"')
})

test('a row by its address shows its values in the order of the mapping, whatever the list shows', async ({ page }) => {
  await signIn(page)
  await page.goto('/syncs/vip-customers-to-crm')
  await page.getByRole('row', { name: /Completed with errors/ }).getByRole('link').click()
  await page.waitForURL(/runs\/\d+/)
  await page.goto(`${page.url().split('?')[0]}?tab=successful&key=none&row=3`)
  const names = page.getByRole('dialog').getByRole('table').getByRole('rowheader')
  await expect(names).toHaveText(['customer_id', 'email', 'first_name', 'city', 'ltv'])
})

test('a list is filtered by type on the server, in its totals too', async ({ page }) => {
  await signIn(page)
  await page.goto('/sources')
  const rows = page.getByRole('table', { name: 'Sources' }).getByRole('row')
  await expect(rows).toHaveCount(4)
  const asked = page.waitForRequest(/\/api\/sources\?.*type=postgres/)
  await page.getByRole('button', { name: 'Type', exact: true }).click()
  await page.getByRole('checkbox', { name: 'PostgreSQL' }).check()
  await asked
  await expect(rows).toHaveCount(2)
  await expect(page.getByText('1 source', { exact: true })).toBeVisible()
})

// Req: S-03
test('an optional secret that is stored can be removed', async ({ page }) => {
  await signIn(page)
  await page.goto('/sources/production-warehouse')
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await page.getByRole('button', { name: 'Remove Password' }).click()
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('The connection works.')).toBeVisible()
  const sent = page.waitForRequest((request) => request.method() === 'PUT')
  await page.getByRole('button', { name: 'Save' }).click()
  expect(((await sent).postDataJSON() as { spec: { configuration: object } }).spec.configuration).toMatchObject({ password: '' })
})

// Req: SY-71, SY-72, SY-73, SY-74
test('a rejected row is found by its key, with the request and the response of its batch', async ({ page }) => {
  await signIn(page)
  await page.goto('/syncs/vip-customers-to-crm')
  await page.getByRole('row', { name: /Completed with errors/ }).getByRole('link').click()
  await page.getByRole('tab', { name: /Rejected/ }).click()
  const rows = page.getByRole('table', { name: 'Rejected rows' }).getByRole('row')
  await expect(rows).toHaveCount(10)
  await page.getByRole('textbox', { name: 'Search by primary key' }).fill('C-100003')
  await expect(rows).toHaveCount(2)
  await page.getByRole('button', { name: 'C-100003' }).click()
  const drawer = page.getByRole('dialog')
  await expect(drawer).toContainText('The address is on the suppression list.')
  await expect(drawer.getByLabel('Request body')).toContainText('"contacts"')
  await expect(drawer.getByText('2 other rows in this batch')).toBeVisible()
  await drawer.getByRole('textbox', { name: 'Search in requests and responses' }).fill('invalid_email')
  await expect(drawer.locator('mark')).toHaveText('invalid_email')
  expect(await breaches(page)).toEqual([])
  await page.keyboard.press('Escape')
  await expect(drawer).toHaveCount(0)
  await expect(page).toHaveURL(/key=C-100003/)
})

test('what is in use is not deleted, and the message says who uses it', async ({ page }) => {
  await signIn(page)
  await page.goto('/models/vip-customers')
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Delete model' }).click()
  await page.getByRole('button', { name: 'Delete model' }).click()
  await expect(page.getByText(/is used by sync VIP customers to/)).toBeVisible()
})

test('leaving with unsaved changes asks first', async ({ page }) => {
  await signIn(page)
  await page.goto('/syncs/vip-customers-to-crm')
  await page.getByRole('tab', { name: 'Configuration' }).click()
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await page.getByLabel('Insert').check()
  await page.getByRole('link', { name: 'Models' }).click()
  await expect(page.getByRole('dialog')).toContainText('Leave without saving?')
  await page.getByRole('button', { name: 'Stay' }).click()
  await expect(page.getByLabel('Insert')).toBeChecked()
  await page.getByRole('link', { name: 'Models' }).click()
  await page.getByRole('button', { name: 'Leave' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Models' })).toBeVisible()
})

test('a key is shown once and can be deleted', async ({ page }) => {
  await signIn(page)
  await page.goto('/settings/keys')
  await page.getByRole('button', { name: 'Create key' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('Dagster')
  await page.getByRole('dialog').getByRole('button', { name: 'Create key' }).click()
  await expect(page.getByTestId('secret')).toHaveText(/^mr_/)
  expect(await breaches(page)).toEqual([])
  await page.getByRole('button', { name: 'Done' }).click()
  await expect(page.getByTestId('secret')).toHaveCount(0)
  await page.getByRole('button', { name: 'Delete the key Dagster' }).click()
  await page.getByRole('button', { name: 'Delete key' }).click()
  await expect(page.getByText('The key Dagster is deleted.')).toBeVisible()
})

test('Ctrl-K leads anywhere', async ({ page }) => {
  await signIn(page)
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Search for anything' }).fill('vip customers to crm')
  await expect(page.getByRole('option', { name: /VIP customers to CRM/ }).first()).toBeVisible()
  expect(await breaches(page)).toEqual([])
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: /^VIP customers to CRM/ })).toBeVisible()
  await back(page)
  await expect(page.getByRole('heading', { level: 1, name: 'Main' })).toBeVisible()
})

test('Enter in the command bar waits for the results that were typed for', async ({ page }) => {
  await page.route('**/api/syncs?*search=*', async (route) => {
    await expect(page.getByText('Searching…')).toBeVisible()
    await route.continue()
  })
  await signIn(page)
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Search for anything' }).fill('vip customers to crm')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: /^VIP customers to CRM/ })).toBeVisible()
})

// Req: SY-02
test('a list keeps its search, filter and order in its address', async ({ page }) => {
  await signIn(page)
  await page.goto('/syncs')
  const rows = page.getByRole('table', { name: 'Syncs' }).getByRole('row')
  await page.getByRole('textbox', { name: 'Search syncs' }).fill('exports')
  await expect(rows).toHaveCount(3)
  await page.getByRole('button', { name: 'Sync', exact: true }).click()
  await expect(page).toHaveURL(/search=exports.*sort=name/)
  await page.reload()
  await expect(rows.nth(1)).toContainText('Abandoned carts to exports')
  await page.getByRole('button', { name: 'Status', exact: true }).nth(0).click()
  await page.getByRole('checkbox', { name: 'Failed' }).check()
  await expect(page.getByText('No syncs match')).toBeVisible()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Clear search and filters' }).click()
  await expect(rows.nth(1)).toBeVisible()
})

test('the colour scheme is switched and remembered', async ({ page }) => {
  await signIn(page)
  await page.getByRole('button', { name: 'Dark colours' }).click()
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark')
  await page.reload()
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark')
})

test('progress still shows when no events arrive', async ({ page }) => {
  await page.route('**/api/events', (route) => route.fulfill({ status: 404 }))
  await signIn(page)
  await page.goto('/syncs/vip-customers-to-exports')
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: /^Run/ })).toBeVisible()
  await expect(page.getByText('Completed with errors')).toBeVisible({ timeout: 20_000 })
})
