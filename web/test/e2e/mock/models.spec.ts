import type { Page } from '@playwright/test'
import { breaches, choose, expect, signIn, test } from '../app'
import { longModel } from './addresses'

test.beforeEach(async ({ page, request }) => {
  await request.get('/mock/reset')
  await signIn(page)
})

async function write(page: Page, sql: string): Promise<void> {
  await page.getByRole('textbox', { name: 'SQL query' }).click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.press('Delete')
  await page.keyboard.insertText(sql)
}

// Req: M-14, M-15
test('columns show what the source says of them, unless a person says it better', async ({ page }) => {
  await page.goto('/models/vip-customers?tab=columns')
  const email = page.getByRole('textbox', { name: 'Description of email' })
  await expect(email).toHaveAttribute('placeholder', 'Confirmed by a click')
  await email.fill('Work address')
  await expect(page.getByRole('button', { name: 'Refresh columns available in source' })).toBeDisabled()
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('button', { name: 'Refresh columns available in source' })).toBeEnabled()
  await page.reload()
  await expect(email).toHaveValue('Work address')
  await expect(page.getByRole('row', { name: /email/ }).getByRole('link', { name: 'VIP customers to CRM' })).toBeVisible()
  await page.getByRole('textbox', { name: 'Search columns' }).fill('lifetime')
  await expect(page.getByRole('table', { name: 'Columns' }).getByRole('row')).toHaveCount(2)
  await page.getByRole('textbox', { name: 'Search columns' }).fill('nothing like it')
  await expect(page.getByText('No column matches')).toBeVisible()
  await page.getByRole('button', { name: 'Refresh columns available in source' }).click()
  await expect(page.getByText('The columns are as in the source.')).toBeVisible()
})

// Req: M-15, M-31
test('columns that changed in the source are shown with what depends on them, and taken over', async ({ page }) => {
  await page.goto('/models')
  await expect(page.getByRole('row', { name: /columns changed in the source/ })).toHaveCount(1)
  await page.goto(`/models/${longModel}`)
  await page.getByRole('link', { name: 'Columns changed in the source' }).click()
  const changes = page.getByRole('list', { name: 'Changed columns' })
  await expect(changes.getByRole('listitem')).toHaveCount(5)
  await expect(changes.getByText(/Gone city/)).toBeVisible()
  await expect(changes.getByRole('listitem').filter({ hasText: 'email_address' })).toContainText('used by All consenting customers to CRM')
  await expect(changes.getByRole('listitem').filter({ hasText: 'ltv' })).toContainText('String')
  await page.getByRole('button', { name: 'Take the columns over' }).click()
  await expect(changes).toHaveCount(0)
  const missing = page.getByRole('list', { name: 'Columns that the model does not have are used' })
  await expect(missing).toContainText('email used by All consenting customers to CRM')
  expect(await breaches(page)).toEqual([])
  await missing.getByRole('link').first().click()
  await expect(page.getByRole('heading', { level: 1, name: /All consenting customers/ })).toBeVisible()
})

// Req: M-15
test('refreshing the tables of a source refreshes its models', async ({ page }) => {
  await page.goto('/sources/production-warehouse?tab=tables')
  await page.getByRole('button', { name: 'Refresh' }).click()
  await expect(page.getByText('5 tables and views were read; 1 model has columns that changed.')).toBeVisible()
})

// Req: M-16
test('a model is cloned with the syncs that are chosen', async ({ page }) => {
  await page.goto('/models/vip-customers')
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Clone' }).click()
  await expect(page.getByRole('button', { name: 'Clone' })).toBeDisabled()
  await write(page, 'SELECT customer_id, first_name, city FROM public.customers')
  await page.keyboard.press('Control+Enter')
  await expect(page.getByText('100 rows of 8,421 rows')).toBeVisible()
  await expect(page.getByRole('combobox', { name: 'Primary key' })).toHaveValue('customer_id')
  await page.getByRole('checkbox', { name: 'VIP customers to CRM' }).check()
  // A chosen sync needs a column that the changed query lacks.
  await expect(page.getByRole('list', { name: 'The chosen syncs use columns that the query does not return' })).toContainText('email')
  await write(page, 'SELECT * FROM public.customers')
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('list', { name: /chosen syncs use columns/ })).toHaveCount(0)
  await page.getByRole('textbox', { name: 'Name' }).fill('VIP customers')
  await page.getByRole('button', { name: 'Clone' }).click()
  await expect(page.getByRole('alert')).toContainText('there is a model called "VIP customers" already')
  await page.getByRole('textbox', { name: 'Name' }).fill('VIP customers of the north')
  await page.getByRole('button', { name: 'Clone' }).click()
  await expect(page.getByText('1 sync was cloned too, and is disabled.')).toBeVisible()
  await expect(page.getByRole('heading', { level: 1, name: 'VIP customers of the north' })).toBeVisible()
  await expect(page.getByRole('row', { name: /Copy of VIP customers to CRM/ })).toContainText('Disabled')
})

test('a clone that was begun is not left by accident', async ({ page }) => {
  await page.goto('/models/vip-customers/clone')
  await write(page, 'SELECT customer_id FROM public.customers')
  await page.getByRole('link', { name: 'Syncs' }).click()
  await expect(page.getByRole('dialog')).toContainText('Leave without saving?')
  await page.getByRole('button', { name: 'Stay' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Clone VIP customers' })).toBeVisible()
})

// Req: M-30
test('the place of an error is marked in the query until it changes', async ({ page }) => {
  await page.goto('/models/new?source=production-warehouse')
  await write(page, 'SELECT customer_id,\n  emial\nFROM public.customers')
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('alert')).toContainText('Referenced column "emial" not found')
  await expect(page.locator('.cm-errorMark')).toHaveText('emial')
  await page.getByRole('textbox', { name: 'SQL query' }).press('End')
  await page.keyboard.type(' ')
  await expect(page.locator('.cm-errorMark')).toHaveCount(0)
})

// Req: M-13
test('a preview that takes long is cancelled', async ({ page }) => {
  await page.goto('/models/new?source=production-warehouse')
  await write(page, 'SELECT sleep(60), * FROM public.customers')
  await page.getByRole('button', { name: 'Preview', exact: true }).click()
  await page.getByRole('button', { name: 'Cancel the preview' }).click()
  await expect(page.getByText('The preview was cancelled')).toBeVisible()
  await write(page, 'SELECT * FROM public.customers')
  await page.getByRole('button', { name: 'Preview', exact: true }).click()
  await expect(page.getByText('100 rows of 8,421 rows')).toBeVisible()
})

// Req: M-25
test('a preview counts the values that a cast would reject', async ({ page }) => {
  await page.goto('/models/vip-customers?tab=columns')
  await choose(page, 'Type of first_name', 'Number')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('The columns are saved.')).toBeVisible()
  await page.getByRole('tab', { name: 'Preview' }).click()
  await page.getByRole('button', { name: 'Preview', exact: true }).click()
  const notice = page.getByRole('alert').filter({ hasText: 'first_name' })
  await expect(notice).toContainText('100 rows of those shown do not cast to Number')
  expect(await breaches(page)).toEqual([])
})

// Req: M-31
test('a query that loses a column which a sync uses says so before it is saved', async ({ page }) => {
  await page.goto('/models/vip-customers/edit')
  await write(page, 'SELECT customer_id, email FROM public.customers')
  await page.keyboard.press('Control+Enter')
  const lost = page.getByRole('list', { name: 'The query no longer returns columns that are used' })
  await expect(lost).toContainText('first_name used by VIP customers to CRM')
  await expect(lost).not.toContainText('customer_id')
})

// Req: M-14, M-24, FLD-20
test('fields show their types and what is required, and are read anew', async ({ page }) => {
  await page.goto('/syncs/new?model=vip-customers&destination=crm-database')
  await choose(page, 'Table', 'public.contacts')
  await page.getByRole('button', { name: 'Add mapping' }).click()
  const mapping = page.getByRole('group', { name: 'Mapping 1' })
  await mapping.getByRole('combobox', { name: 'Column' }).click()
  await expect(page.getByRole('option', { name: /ltv/ })).toContainText('Lifetime value in dollars')
  await page.keyboard.press('Escape')
  await mapping.getByRole('combobox', { name: 'Destination field' }).click()
  for (const type of ['String', 'Number', 'Associated field', 'Array', 'Unknown type']) {
    await expect(page.getByRole('option').getByRole('img', { name: type }).first()).toBeVisible()
  }
  await expect(page.getByRole('option', { name: /customer_id/ }).getByRole('img', { name: 'required' })).toBeVisible()
  await expect(page.getByRole('option', { name: /account/ })).toContainText('bigint; Refers to accounts')
  await page.keyboard.press('Escape')
  const read = page.waitForRequest((request) => request.url().endsWith('/fields'))
  await page.getByRole('button', { name: 'Refresh fields' }).click()
  await read
})
