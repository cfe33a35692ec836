import { choose, expect, signIn, test } from '../app'

test.beforeEach(async ({ page, request }) => {
  await request.get('/mock/reset?step=250')
  await signIn(page)
})

const order = ['VIP customers to exports', 'Abandoned carts to exports', 'VIP customers to CRM']

// Req: SY-86, SY-87
test('a sequence is built, ordered by keyboard, buttons and pointer, and run', async ({ page }) => {
  test.slow() // a way through the whole builder and two syncs
  await page.getByRole('link', { name: 'Sequences' }).click()
  await page.getByRole('link', { name: 'Add sequence' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill('Everything in order')
  const add = page.getByRole('combobox', { name: 'Add syncs' })
  await add.click()
  for (const name of order) await page.getByRole('option', { name, exact: true }).click()
  await page.keyboard.press('Escape')
  const steps = page.getByRole('list', { name: 'Steps' }).getByRole('listitem')
  const names = () => steps.locator('span[title]').allTextContents()
  expect(await names()).toEqual(order)

  await page.getByRole('button', { name: /^Move VIP customers to CRM: drag/ }).focus()
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('ArrowUp')
  await expect(page.getByRole('status').filter({ hasText: 'step 1 of 3' })).toBeAttached()
  expect(await names()).toEqual([order[2], order[0], order[1]])
  await expect(page.getByRole('button', { name: /^Move VIP customers to CRM: drag/ })).toBeFocused()

  await page.getByRole('button', { name: 'Move VIP customers to exports down' }).click()
  expect(await names()).toEqual([order[2], order[1], order[0]])

  await page.getByRole('button', { name: /^Move VIP customers to exports: drag/ }).dragTo(steps.first())
  expect(await names()).toEqual([order[0], order[2], order[1]])

  await choose(page, 'Terminate after VIP customers to exports', 'Never')
  await choose(page, 'Terminate after Abandoned carts to exports', /^On a fatal error$/)
  await page.getByRole('textbox', { name: 'Rejected rows of VIP customers to CRM that are too many' }).fill('100')
  await page.getByRole('button', { name: 'Save and run' }).click()

  await expect(page.getByRole('heading', { level: 1, name: /^Run/ })).toBeVisible()
  const table = page.getByRole('table', { name: 'Steps' })
  await expect(table.getByRole('row', { name: order[0] })).toContainText(/Completed/, { timeout: 15_000 })
  await expect(table.getByRole('row', { name: order[1] })).toContainText(/Completed/, { timeout: 15_000 })
  await expect(page.getByText('Completed with errors').first()).toBeVisible()
  await page.getByRole('link', { name: 'Everything in order' }).click()
  await page.getByRole('tab', { name: /^Steps/ }).click()
  await expect(page.getByText('Ends on a fatal error or 100 rejected rows')).toBeVisible()
  await expect(page.getByText('Nothing ends the sequence here')).toBeVisible()
})

// Req: SY-87, SY-88
test('a step with too many rejected rows ends the sequence; each step leads to its run', async ({ page }) => {
  await page.goto('/sequences/exports-then-the-api')
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await expect(page.getByText('The sequence ended early')).toBeVisible({ timeout: 15_000 })
  await expect(page.getByText(/4 rows were rejected/).first()).toBeVisible()
  const rows = page.getByRole('table', { name: 'Steps' }).getByRole('row')
  await expect(rows.nth(2)).toContainText('Not reached')
  await rows.nth(1).getByRole('link', { name: /^Run/ }).click()
  await expect(page.getByText('Trigger: Sequence')).toBeVisible()
})

test('a run can be cancelled, and a second one waits for the first', async ({ page, request }) => {
  await request.get('/mock/reset?step=2000')
  await page.goto('/sequences/exports-then-the-api')
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await expect(page.getByRole('row', { name: /Running/ })).toBeVisible({ timeout: 15_000 })
  await page.getByRole('link', { name: 'Exports, then the API' }).click()
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await expect(page.getByText('This run begins when')).toBeVisible()
  await page.getByRole('button', { name: 'Cancel run' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel run' }).click()
  await expect(page.getByText('Cancelled by user')).toBeVisible()
})

// Req: SY-86, FLD-21
test('a sequence is disabled and enabled; its schedule says when it runs next and what it skipped', async ({ page }) => {
  await page.goto('/sequences/customers-before-their-carts?tab=schedule')
  await expect(page.getByText(/Last skipped .*: run 1204 was still under way/).first()).toBeVisible()
  await expect(page.getByRole('region', { name: 'Next runs' }).getByRole('listitem')).toHaveCount(5)
  await page.getByRole('textbox', { name: 'Cron expression' }).fill('0 6 L-2 * *')
  await expect(page.getByText('W, LW, L-2 and # are not supported.')).toBeVisible()
  await page.getByRole('button', { name: 'Discard' }).click()
  await page.getByRole('switch', { name: 'Enabled' }).click()
  await expect(page.getByRole('switch', { name: 'Disabled' })).toBeVisible()
  await expect(page.getByText('None while the schedule is disabled')).toBeVisible()
})

test('a sync in a sequence is not deleted, and says where it is used', async ({ page }) => {
  await page.goto('/syncs/vip-customers-to-crm')
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Delete sync' }).click()
  await page.getByRole('button', { name: 'Delete sync' }).click()
  await expect(page.getByText(/It is used by sequence Customers before their carts/)).toBeVisible()
})
