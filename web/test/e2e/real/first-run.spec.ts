import { choose, expect, signIn, test } from '../app'
import { addDestination, addModel, addSource, addSync, named, waitForEnd } from './steps'

// The way from signing in to a finished run, over a real server. The steps build on each other.

test.describe.configure({ mode: 'serial' })

const shop = named('Shop')
const carts = named('Carts')
const folder = named('Folder')
const sync = named('Carts to folder')

test.beforeEach(({ page }) => signIn(page))

test('S-85 S-87 a sample source needs no credentials', async ({ page }) => {
  await addSource(page, shop)
  await page.getByRole('tab', { name: 'Tables' }).click()
  // The first look makes the sample's data, which takes a while on a small machine that does other work too.
  await expect(page.getByRole('button', { name: /public\.customers/ })).toBeVisible({ timeout: 100_000 })
})

test('M-13 M-17 a model is previewed before it is saved', async ({ page }) => {
  await addModel(page, shop, carts)
  await page.getByRole('tab', { name: /Columns/ }).click()
  await expect(page.getByRole('table', { name: 'Columns' }).getByRole('row', { name: /customer_id/ })).toBeVisible()
})

test('S-03 a destination outside the allowed folder is refused with the reason, and tested again', async ({ page }) => {
  await addDestination(page, folder, async () => {
    await page.getByLabel('Folder').fill('../outside')
    await page.getByRole('button', { name: 'Test connection' }).click()
    await expect(page.getByRole('alert')).toContainText('is outside the one that this server allows')
    await expect(page.getByRole('button', { name: 'Continue' })).toBeDisabled()
    await page.getByRole('button', { name: 'Test again' }).click()
    await expect(page.getByRole('alert')).toContainText('is outside')
  })
})

test('SY-09 SY-16 a sync is made and run', async ({ page }) => {
  await addSync(page, { model: carts, destination: folder, name: sync, file: 'carts.csv' })
  await waitForEnd(page, 'Completed')
})

test('SY-03 SY-04 the header of a sync names model, destination and state', async ({ page }) => {
  await page.goto('/syncs')
  await page.getByRole('textbox', { name: 'Search syncs' }).fill(sync)
  await page.getByRole('table', { name: 'Syncs' }).getByRole('link', { name: sync, exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: sync })).toBeVisible()
  await expect(page.getByText('Healthy', { exact: true }).first()).toBeVisible()
  await expect(page.getByRole('link', { name: carts, exact: true })).toBeVisible()
  await expect(page.getByRole('link', { name: folder, exact: true })).toBeVisible()
  await page.getByRole('switch', { name: 'Enabled' }).click({ force: true })
  await expect(page.getByRole('switch', { name: 'Disabled' })).not.toBeChecked()
  await expect(page.getByText('Healthy', { exact: true })).toHaveCount(0)
  await page.getByRole('switch', { name: 'Disabled' }).click({ force: true })
  await expect(page.getByText('Healthy', { exact: true })).toBeVisible()
})

test('SY-69 SY-70 a run without changes does nothing, and such runs can be hidden', async ({ page }) => {
  await page.goto('/syncs')
  await page.getByRole('link', { name: sync, exact: true }).click()
  const rows = page.getByRole('table', { name: 'Runs' }).getByRole('row')
  await expect(rows).toHaveCount(2)
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await waitForEnd(page, 'Completed')
  await expect(page.getByRole('tab', { name: 'Successful 0' })).toBeVisible()
  await page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: sync, exact: true }).click()
  await expect(rows).toHaveCount(3)
  await choose(page, 'Runs shown', 'Runs with operations')
  await expect(rows).toHaveCount(2)
})

test('SY-08 the runs are bars, and home adds up what they sent by day', async ({ page }) => {
  await page.goto('/syncs')
  await page.getByRole('link', { name: sync, exact: true }).click()
  const runs = page.getByRole('group', { name: 'Rows by run' }).getByRole('link')
  await expect(runs).toHaveCount(2)
  await expect(runs.first()).toHaveAccessibleName(/^Run \d+, .*, Added [1-9][\d,]*, Changed 0, Removed 0, Rejected 0$/)
  await expect(runs.last()).toHaveAccessibleName(/, Added 0, Changed 0, Removed 0, Rejected 0$/)
  await page.getByRole('link', { name: 'Home', exact: true }).click()
  const days = page.getByRole('group', { name: 'Rows by day' }).getByRole('button')
  await expect(days).toHaveCount(14)
  await expect(days.last()).toHaveAccessibleName(/, Sent [1-9][\d,]*, Rejected [\d,]+/)
})

test('SY-71 SY-73 rows are split by outcome and operation, and found by their key', async ({ page }) => {
  await page.goto('/syncs')
  await page.getByRole('link', { name: sync, exact: true }).click()
  await page.getByRole('table', { name: 'Runs' }).getByRole('row').last().getByRole('link').click()
  const rows = page.getByRole('table', { name: 'Successful rows' }).getByRole('row')
  const key = await rows.nth(3).getByRole('button').innerText()
  await page.getByRole('textbox', { name: 'Search by primary key' }).fill(key)
  await expect(rows).toHaveCount(2)
  await rows.nth(1).getByRole('button', { name: key }).click()
  const drawer = page.getByRole('dialog')
  await expect(drawer.getByRole('table')).toContainText(key)
  await page.keyboard.press('Escape')
  await page.getByRole('textbox', { name: 'Search by primary key' }).fill('no such key')
  await expect(page.getByText('No row has the key no such key')).toBeVisible()
  await page.getByRole('tab', { name: 'Rejected 0' }).click()
  await page.getByRole('textbox', { name: 'Search by primary key' }).fill('')
  await expect(page.getByText('No row was rejected')).toBeVisible()
})

test('SY-12 a full resync sends every row again', async ({ page }) => {
  await page.goto('/syncs')
  await page.getByRole('link', { name: sync, exact: true }).click()
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Resync full query' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Resync full query' }).click()
  await waitForEnd(page, 'Completed')
  await expect(page.getByText('Trigger: Manual, full resync')).toBeVisible()
  await expect(page.getByRole('tab', { name: 'Successful 0' })).toHaveCount(0)
})

test('SY-07 the activity of a sync says who did what', async ({ page }) => {
  await page.goto('/syncs')
  await page.getByRole('link', { name: sync, exact: true }).click()
  await page.getByRole('tab', { name: 'Activity' }).click()
  const rows = page.getByRole('table', { name: 'Activity' }).getByRole('row')
  await expect(rows.filter({ hasText: 'created' })).toHaveCount(1)
  await expect(rows.filter({ hasText: 'triggered' })).toHaveCount(3)
  await expect(rows.filter({ hasText: 'disabled' })).toHaveCount(1)
})

test('what a sync uses is not deleted, and the message says who uses it', async ({ page }) => {
  await page.goto('/models')
  await page.getByRole('link', { name: carts, exact: true }).click()
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Delete model' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete model' }).click()
  await expect(page.getByText(new RegExp(sync)).first()).toBeVisible()
})
