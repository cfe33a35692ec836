import { readFile } from 'node:fs/promises'
import type { Page } from '@playwright/test'
import { enter, expect, test } from '../app'

test.beforeEach(async ({ request, page }) => {
  await request.get('/mock/reset')
  await enter(page)
})

const rows = (page: Page) => page.getByRole('table').getByRole('row')
const body = (page: Page) => rows(page).filter({ has: page.getByRole('checkbox', { name: /^Select (?!all|none)/ }) })

async function act(page: Page, name: string) {
  await page.getByRole('button', { name: 'Actions', exact: true }).click()
  await page.getByRole('menuitem', { name, exact: true }).click()
}

// Req: SY-02
test('five thousand syncs are one list, of which the rows in sight are drawn', async ({ page, request }) => {
  await request.get('/mock/reset?more=5000')
  await page.goto('/syncs')
  const table = page.getByRole('table', { name: 'Syncs' })
  await expect(table).toHaveAttribute('aria-rowcount', '5006')
  await expect(page.getByText('5,005 syncs')).toBeVisible()
  expect(await rows(page).count()).toBeLessThan(60)
  await page.getByRole('region', { name: 'Syncs, scrolls' }).evaluate((element) => element.scrollTo(0, element.scrollHeight))
  await expect(table).toContainText('VIP customers to exports')
  await expect(rows(page).last()).toHaveAttribute('aria-rowindex', '5006')
  await page.getByRole('button', { name: 'Sync', exact: true }).click()
  await page.getByRole('button', { name: 'Sync', exact: true }).click()
  await expect(page).toHaveURL(/sort=-name/)
})

// Req: SY-02
test('columns are chosen, and the browser keeps the choice', async ({ page }) => {
  await page.goto('/syncs')
  await page.getByRole('button', { name: 'Choose columns' }).click()
  await page.getByRole('checkbox', { name: 'Alerts' }).uncheck()
  await page.getByRole('checkbox', { name: 'Labels' }).check()
  await expect(page.getByRole('checkbox', { name: 'Sync', exact: true })).toBeDisabled()
  await page.reload()
  await expect(page.getByRole('columnheader', { name: 'Labels' })).toBeVisible()
  await expect(page.getByRole('columnheader', { name: 'Alerts' })).toHaveCount(0)
  await expect(rows(page).filter({ hasText: 'VIP customers to CRM' })).toContainText('team:crm')
  await page.goto('/models')
  await expect(page.getByRole('columnheader', { name: 'Labels' })).toHaveCount(0)
})

// Req: FOL-02, FOL-05, FOL-06
test('filters all hold, and their values are alternatives', async ({ page }) => {
  await page.goto('/syncs')
  await page.getByRole('button', { name: 'Destination', exact: true }).first().click()
  await page.getByRole('checkbox', { name: 'CRM database' }).check()
  await page.getByRole('checkbox', { name: 'Contacts API' }).check()
  await page.keyboard.press('Escape')
  await expect(body(page)).toHaveCount(3)
  await page.getByRole('button', { name: 'Health' }).click()
  await page.getByRole('checkbox', { name: 'Healthy: no alerts' }).check()
  await page.keyboard.press('Escape')
  await expect(body(page)).toHaveCount(1)
  await page.reload()
  await expect(body(page)).toHaveCount(1)
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await page.getByRole('button', { name: 'Labels', exact: true }).click()
  await page.getByRole('checkbox', { name: 'Include team: crm' }).check()
  await expect(body(page)).toHaveCount(1)
  await page.getByRole('checkbox', { name: 'Exclude team: crm' }).check()
  await expect(body(page)).toHaveCount(4)
})

// Req: FOL-02
test('syncs are filtered by their progress, their source, their alerts and who made them', async ({ page }) => {
  await page.goto('/syncs')
  const filter = async (name: string, choice: string, found: number) => {
    await page.getByRole('button', { name, exact: true }).first().click()
    await page.getByRole('checkbox', { name: choice, exact: true }).check()
    await page.keyboard.press('Escape')
    await expect(body(page)).toHaveCount(found)
    await page.getByRole('button', { name: 'Clear filters' }).click()
    await expect(body(page)).toHaveCount(5)
  }
  await filter('Status', 'Failed', 1)
  await filter('Source', 'B2C eCommerce', 2)
  await filter('Health', 'Critical alerts', 1)
  await filter('Created by', 'Admin', 5)
})

// Req: FOL-03
test('models are filtered by the type of their source, their labels and who made them', async ({ page }) => {
  await page.goto('/models')
  await page.getByRole('button', { name: 'Source type', exact: true }).click()
  await page.getByRole('checkbox', { name: 'PostgreSQL' }).check()
  await page.keyboard.press('Escape')
  await expect(body(page)).toHaveCount(2)
  await page.getByRole('checkbox', { name: 'Select VIP customers' }).check()
  await act(page, 'Add or remove labels')
  await page.getByRole('combobox', { name: 'Add' }).fill('tier:gold')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Save labels' }).click()
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await page.getByRole('button', { name: 'Labels', exact: true }).click()
  await page.getByRole('checkbox', { name: 'Exclude tier: gold' }).check()
  await page.keyboard.press('Escape')
  await expect(body(page)).toHaveCount(2)
  await page.getByRole('button', { name: 'Created by' }).click()
  await page.getByRole('checkbox', { name: 'Admin' }).check()
  await expect(body(page)).toHaveCount(2)
})

// Req: FOL-03
test('models are filtered by how they are described and by duplicate keys', async ({ page }) => {
  await page.goto('/models')
  await page.getByRole('button', { name: 'Query type' }).click()
  await page.getByRole('checkbox', { name: 'Table' }).check()
  await page.keyboard.press('Escape')
  await expect(body(page)).toHaveCount(1)
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await page.getByRole('button', { name: 'Duplicate keys' }).click()
  await page.getByRole('checkbox', { name: 'Found in the last run' }).check()
  await page.keyboard.press('Escape')
  await expect(body(page)).toHaveCount(1)
})

// Req: FOL-05
test('filters are saved for oneself or for everyone, and used again', async ({ page }) => {
  await page.goto('/syncs?status=failed')
  await page.getByRole('button', { name: 'Save filters' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('Broken')
  await dialog.getByRole('radio', { name: 'Everyone in the workspace' }).check()
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('The filter Broken is saved.')).toBeVisible()
  await page.goto('/syncs')
  await page.getByRole('button', { name: 'Saved filters' }).click()
  await page.getByRole('menuitem', { name: 'Broken', exact: true }).click()
  await expect(page).toHaveURL(/status=/)
  await expect(body(page)).toHaveCount(1)
  await page.getByRole('button', { name: 'Broken', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Delete Broken' }).click()
  await page.getByRole('button', { name: 'Delete filter' }).click()
  await expect(page.getByRole('button', { name: 'Saved filters' })).toBeVisible()
})

// Req: FOL-01, FOL-05
test('folders are made, nested, entered with the keyboard and deleted without what they hold', async ({ page }) => {
  await page.goto('/syncs')
  await page.getByRole('button', { name: 'Show folders' }).click()
  const tree = page.getByRole('tree', { name: 'Folders' })
  await tree.getByRole('treeitem', { name: /Marketing/ }).click()
  await expect(body(page)).toHaveCount(2)
  await page.getByRole('button', { name: 'Actions for the folder Marketing' }).click()
  await page.getByRole('menuitem', { name: 'New folder in it' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('EU')
  await page.getByRole('button', { name: 'Create folder' }).click()
  await tree.getByRole('treeitem', { name: /EU/ }).click()
  await expect(page.getByText('Nothing is in Marketing/EU')).toBeVisible()
  await tree.getByRole('treeitem', { name: /EU/ }).focus()
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('Enter')
  await expect(body(page)).toHaveCount(2)
  await page.keyboard.press('ArrowLeft')
  await expect(tree.getByRole('treeitem', { name: /Marketing/ })).toHaveAttribute('aria-expanded', 'false')
  await page.getByRole('button', { name: 'Actions for the folder Marketing' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('It holds 2 syncs, 1 model.')
  await expect(dialog.getByRole('radio', { name: 'Keep them, in no folder' })).toBeChecked()
  await dialog.getByRole('button', { name: 'Delete folder' }).click()
  await expect(tree.getByRole('treeitem')).toHaveCount(1)
  await expect(body(page)).toHaveCount(5)
})

// Req: FOL-01, FOL-06
test('many are chosen, labelled and moved, and the models of syncs move with them', async ({ page }) => {
  await page.goto('/syncs')
  await page.getByRole('checkbox', { name: 'Select Abandoned carts to contacts API' }).check()
  await page.getByRole('checkbox', { name: 'Select VIP customers to CRM' }).click({ modifiers: ['Shift'] })
  await expect(page.getByText('4 selected')).toBeVisible()
  await act(page, 'Add or remove labels')
  await page.getByRole('combobox', { name: 'Add' }).fill('wave:1')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Save labels' }).click()
  await expect(page.getByText('4 syncs changed.')).toBeVisible()
  await act(page, 'Move to folder')
  await page.getByRole('combobox', { name: 'Folder' }).fill('Launch/May')
  await page.getByRole('button', { name: 'Create folder and move' }).click()
  await expect(page.getByText('4 syncs moved to Launch/May.')).toBeVisible()
  await page.goto('/models?folder=Launch')
  await expect(body(page)).toHaveCount(3)
  await page.goto('/syncs?folder=Launch&label=wave:1')
  await expect(body(page)).toHaveCount(4)
})

test('what can be deleted is, and of the others it says why not', async ({ page }) => {
  await page.goto('/syncs')
  await page.getByRole('checkbox', { name: 'Select all', exact: true }).click()
  await expect(page.getByText('5 selected')).toBeVisible()
  await act(page, 'Disable')
  await expect(page.getByText('5 syncs disabled.')).toBeVisible()
  await act(page, 'Delete')
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('3 syncs will stay, since something depends on them.')
  await expect(dialog).toContainText('is used by sequence "customers-before-their-carts"')
  await dialog.getByRole('button', { name: 'Delete 2 syncs' }).click()
  await expect(page.getByText('2 syncs deleted.')).toBeVisible()
  await expect(page.getByRole('dialog')).toContainText('3 syncs stayed as before')
  await page.getByRole('button', { name: 'Close' }).last().click()
  await expect(body(page)).toHaveCount(3)
})

test('a list is exported with the columns that are shown', async ({ page }) => {
  await page.goto('/syncs')
  await page.getByRole('checkbox', { name: 'Select VIP customers to CRM' }).check()
  const download = page.waitForEvent('download')
  await act(page, 'Export as CSV')
  const file = await download
  expect(file.suggestedFilename()).toBe('syncs.csv')
  const lines = (await readFile(await file.path(), 'utf8')).split('\r\n')
  expect(lines[0]).toBe('\ufeffStatus,Alerts,Sync,Model,Destination,Last run,Schedule,Created')
  expect(lines[1]).toMatch(/^(Healthy|Incomplete),\d+,VIP customers to CRM,VIP customers,CRM database,\d{4}-\d\d-\d\d/)
  expect(lines).toHaveLength(3)
})

test('a list that cannot be read says so, and is read again', async ({ page }) => {
  let broken = true
  await page.route('**/api/syncs?*', (route) => (broken ? route.fulfill({ status: 422, json: { error: { code: 'input.invalid', message: 'no such order' } } }) : route.continue()))
  await page.goto('/syncs?sort=nothing')
  await expect(page.getByText('The syncs could not be loaded')).toBeVisible()
  broken = false
  await page.getByRole('button', { name: /again/i }).click()
  await expect(body(page)).toHaveCount(5)
})
