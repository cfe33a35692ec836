import type { Page } from '@playwright/test'
import { breaches, choose, expect, signIn, test } from '../app'

// Finding out why: testing a row, editing as JSON, the ways through a run.

test.beforeEach(({ request }) => request.get('/mock/reset'))
test.beforeEach(({ page }) => signIn(page))

const drawer = (page: Page) => page.getByRole('dialog', { name: 'Test a row' })

async function writeJson(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Configuration as JSON' }).click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.insertText(text)
}

// Req: SY-11
test('a row is chosen by its key, changed and sent, with the request and the answer', async ({ page }) => {
  await page.goto('/syncs/vip-customers-to-crm?tab=configuration')
  await page.getByRole('button', { name: 'Test a row' }).click()
  const rows = drawer(page).getByRole('table', { name: 'Rows to test' }).getByRole('row')
  await expect(rows).toHaveCount(101)
  await drawer(page).getByRole('textbox', { name: 'Search by primary key' }).fill('nobody')
  await expect(drawer(page).getByText('No row has the key nobody')).toBeVisible()
  await drawer(page).getByRole('textbox', { name: 'Search by primary key' }).fill('C-100003')
  await expect(rows).toHaveCount(2)
  expect(await breaches(page)).toEqual([])
  await rows.nth(1).getByRole('button', { name: 'C-100003' }).click()

  const values = drawer(page).getByRole('table', { name: 'Values of row C-100003' })
  await expect(values.getByRole('rowheader')).toHaveCount(5)
  await expect(values.getByRole('button', { name: 'Change customer_id' })).toHaveCount(0)
  await expect(values.getByRole('row', { name: 'customer_id' })).toContainText('fixed: it is the primary key')
  await drawer(page).getByRole('button', { name: 'Show 6 columns that the sync does not use' }).click()
  await expect(values.getByRole('rowheader')).toHaveCount(11)

  await values.getByRole('button', { name: 'Change email' }).click()
  await drawer(page).getByRole('textbox', { name: 'Value of email' }).fill('ada@example.org')
  await drawer(page).getByRole('textbox', { name: 'Value of email' }).press('Enter')
  await expect(values).toContainText('changed for this test')
  await values.getByRole('button', { name: 'Change ltv' }).click()
  await choose(page, 'Type of ltv', 'Number')
  await drawer(page).getByRole('textbox', { name: 'Value of ltv' }).fill('many')
  await expect(drawer(page).getByText('This is not a number.')).toBeVisible()
  await expect(drawer(page).getByRole('button', { name: 'Keep the value of ltv' })).toBeDisabled()
  await drawer(page).getByRole('textbox', { name: 'Value of ltv' }).fill('12.50')
  await drawer(page).getByRole('button', { name: 'Keep the value of ltv' }).click()
  expect(await breaches(page)).toEqual([])

  const asked = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/test-row'))
  await drawer(page).getByText('Changed', { exact: true }).click()
  await drawer(page).getByRole('button', { name: 'Send row' }).click()
  expect((await asked).postDataJSON()).toEqual({
    key: 'C-100003',
    operation: 'changed',
    values: { email: { type: 'string', value: 'ada@example.org' }, ltv: { type: 'number', value: '12.50' } },
  })
  const result = drawer(page).getByRole('region', { name: 'Result' })
  await expect(result.getByText('Rejected', { exact: true })).toBeVisible()
  await expect(result.getByRole('alert')).toContainText('example.org takes no mail.')
  await expect(result.getByLabel('Request body')).toContainText('"ada@example.org"')
  await result.getByRole('textbox', { name: 'Search in requests and responses' }).fill('takes no mail')
  await expect(result.locator('mark')).toHaveText('takes no mail')
  expect(await breaches(page)).toEqual([])

  await values.getByRole('button', { name: 'Take the model’s value of email' }).click()
  await drawer(page).getByRole('button', { name: 'Send row' }).click()
  await expect(result.getByText('Successful', { exact: true })).toBeVisible()
  await drawer(page).getByRole('button', { name: 'Other row' }).click()
  await expect(drawer(page).getByRole('textbox', { name: 'Search by primary key' })).toBeVisible()
})

// Req: SY-11, SY-75
test('only operations that the sync acts on can be tested; removing a row says what it means', async ({ page }) => {
  await page.goto('/syncs/vip-customers-to-crm?tab=configuration&test=row&key=C-100003')
  await drawer(page).getByText('Removed', { exact: true }).click()
  await expect(drawer(page).getByRole('alert')).toContainText('is deleted, although the row is still in the model')
  await page.goto('/syncs/abandoned-carts-to-exports?tab=configuration')
  const button = page.getByRole('button', { name: 'Test a row' })
  await expect(button).toHaveAttribute('aria-disabled', 'true')
  await button.hover()
  await expect(page.getByRole('tooltip')).toContainText('writes files')
  await page.goto('/syncs/abandoned-carts-to-exports?tab=configuration&test=row')
  await expect(drawer(page).getByRole('alert')).toContainText('this sync writes files')
})

// Req: SY-11, SY-74
test('a rejected row of a run leads to its test', async ({ page }) => {
  await page.goto('/syncs/vip-customers-to-crm')
  await page.getByRole('row', { name: /Completed with errors/ }).getByRole('link').click()
  await page.getByRole('tab', { name: /Rejected/ }).click()
  await page.getByRole('button', { name: 'C-100003' }).click()
  await page.getByRole('link', { name: 'Test this row' }).click()
  await expect(drawer(page).getByRole('heading', { name: 'Row C-100003' })).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page).toHaveURL(/tab=configuration$/)
})

// Req: SY-10
test('a sync is edited as JSON: errors at their lines, the changes before they are saved', async ({ page }) => {
  await page.goto('/syncs/vip-customers-to-crm?tab=configuration')
  await page.getByRole('button', { name: 'Edit as JSON' }).click()
  const review = page.getByRole('button', { name: 'Review changes' })
  await expect(review).toBeDisabled()
  await writeJson(page, '{\n  "model": "vip-customers",\n  "destination"')
  await expect(page.getByRole('alert')).toContainText('This is not a configuration')
  await expect(page.getByRole('alert')).toContainText(/Line 3: /)
  await expect(review).toBeDisabled()

  const spec = {
    model: 'vip-customers', destination: 'crm-database', type: 'table', mode: 'upsert', delete: 'nothing', settings: { table: 'public.contacts' },
    match: [{ from: 'customer_id', to: 'customer_id' }], mappings: [{ to: 'email', kind: 'column', from: 'mail' }], disabled: false,
    schedule: { type: 'interval', interval: { unit: 'hour', quantity: 1 } },
  }
  await writeJson(page, JSON.stringify(spec, null, 2))
  await review.click()
  await expect(page.getByRole('alert')).toContainText(/Line \d+: Unknown field name: the model has no column "mail"/)
  expect(await breaches(page)).toEqual([])

  spec.mappings = [{ to: 'email', kind: 'column', from: 'email' }]
  await writeJson(page, JSON.stringify(spec, null, 2))
  await review.click()
  const dialog = page.getByRole('dialog', { name: 'Save these changes?' })
  await expect(dialog.getByRole('table', { name: 'Changes' }).getByRole('rowheader', { name: 'delete', exact: true })).toBeVisible()
  await expect(dialog).toContainText('sends every row of the model again as changed')
  await expect(dialog).toContainText('removals that were refused are not tried again')
  expect(await breaches(page)).toEqual([])
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('The sync is saved.')).toBeVisible()
  await expect(page.getByText('Do nothing')).toBeVisible()
})

// Req: SY-10
test('the configuration of another sync, and the short form, are taken', async ({ page }) => {
  await page.goto('/syncs/vip-customers-to-crm?tab=configuration')
  await page.getByRole('button', { name: 'Edit as JSON' }).click()
  const other = { model: 'abandoned-carts', destination: 'crm-database', type: 'table', mode: 'insert', settings: { table: 'public.leads' }, mappings: [{ to: 'email', from: 'email' }] }
  await writeJson(page, JSON.stringify(other))
  await expect(page.getByText('of a sync between another model and destination')).toBeVisible()
  await page.getByRole('button', { name: 'Review changes' }).click()
  const fields = page.getByRole('dialog').getByRole('rowheader')
  await expect(fields.filter({ hasText: /^mode$/ })).toHaveCount(1)
  await expect(fields.filter({ hasText: /^model$/ })).toHaveCount(0)
  await page.getByRole('dialog').getByRole('button', { name: 'Back' }).click()
  await page.getByRole('checkbox', { name: 'Keep the model, the destination and the schedule of this sync' }).uncheck()
  await page.getByRole('button', { name: 'Review changes' }).click()
  await expect(fields.filter({ hasText: /^model$/ })).toHaveCount(1)
  await page.getByRole('dialog').getByRole('button', { name: 'Back' }).click()

  await writeJson(page, JSON.stringify({ mode: 'upsert', type: 'object', fromId: 'email', object: 'user', mappings: [{ to: 'first_name', from: 'first_name' }], customMappings: [{ to: 'plan', from: 'VIP' }] }))
  await expect(page.getByText('“object” is read as “table”')).toBeVisible()
  await page.getByRole('button', { name: 'Review changes' }).click()
  const table = page.getByRole('dialog').getByRole('table', { name: 'Changes' })
  await expect(table).toContainText('plan')
  await expect(table).not.toContainText('schedule')
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('The sync is saved.')).toBeVisible()
  await expect(page.getByText('plan', { exact: true })).toBeVisible()
})

// Req: SY-36
test('saving another mapping says that every row is sent again', async ({ page }) => {
  await page.goto('/syncs/vip-customers-to-crm?tab=configuration')
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await page.getByRole('group', { name: 'Mapping 2' }).getByLabel('Don’t sync null values').uncheck()
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Save this configuration?' })
  await expect(dialog).toContainText('sends every row of the model again as changed')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('The sync is saved.')).toBeVisible()
})

// Req: SY-08, SY-72
test('the error of a run is shown from the list of runs', async ({ page }) => {
  await page.goto('/syncs/abandoned-carts-to-contacts-api')
  await page.getByRole('table', { name: 'Runs' }).getByRole('button', { name: 'View error' }).click()
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('401 Unauthorized: {"error":"invalid_token","trace_id":"4bf92f3577b34da6"}')
  expect(await breaches(page)).toEqual([])
})

// Req: SY-74
test('a payload is enlarged and searched; the rows of a batch lead to each other', async ({ page }) => {
  await page.goto('/syncs/vip-customers-to-crm')
  await page.getByRole('row', { name: /Completed with errors/ }).getByRole('link').click()
  await page.getByRole('tab', { name: /Rejected/ }).click()
  await page.getByRole('button', { name: 'C-100003' }).click()
  const row = page.getByRole('dialog', { name: 'Row and its batch' })
  await row.getByRole('button', { name: 'Enlarge the request' }).click()
  const large = page.getByRole('dialog', { name: 'Request' })
  await large.getByRole('textbox', { name: 'Search in the request' }).fill('C-10000')
  await expect(large.locator('mark')).toHaveCount(3)
  await expect(large.getByText('3 places')).toBeVisible()
  expect(await breaches(page)).toEqual([])
  await page.keyboard.press('Escape')
  await row.getByRole('button', { name: 'C-100004' }).click()
  await expect(page).toHaveURL(/row=4/)
  await expect(row.getByRole('table', { name: 'Values of row C-100004' })).toBeVisible()
})

// Req: FLD-08, SY-77
test('the rejected rows of the newest run are sent again by another run', async ({ page }) => {
  await page.goto('/syncs/vip-customers-to-crm')
  await page.getByRole('row', { name: /Completed with errors/ }).getByRole('link').click()
  const before = page.url()
  await page.getByRole('button', { name: 'Retry rejected rows' }).click()
  await expect(page.getByRole('dialog')).toContainText('9 rejected rows of this run are sent again')
  await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).click()
  await expect(page).not.toHaveURL(before)
  await expect(page.getByText('Completed with errors')).toBeVisible({ timeout: 20_000 })
  await page.goto(before)
  await expect(page.getByRole('tab', { name: /Rejected 9/ })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Retry rejected rows' })).toHaveCount(0)
})

// Req: SY-71, SY-75
test('the counts of a run add up on its page', async ({ page }) => {
  await page.goto('/syncs/vip-customers-to-crm')
  await page.getByRole('row', { name: /Completed with errors/ }).getByRole('link').click()
  await expect(page.getByText('Rows queried: 120 new · 40 changed · 8,258 unchanged · 3 without a primary key')).toBeVisible()
})
