import { breaches, choose, expect, signIn, test } from '../app'

// BI tools, orchestrators and dbt projects: connected, used by a model, and taken away.

test.beforeEach(async ({ page, request }) => {
  await request.get('/mock/reset')
  await signIn(page)
})

// Req: DBT-06, ORC-01
test('an orchestrator whose key is refused is kept and connected with another one', async ({ page }) => {
  await page.goto('/settings/orchestrators')
  await expect(page.getByText('No orchestrator yet')).toBeVisible()
  await page.getByRole('button', { name: 'Add orchestrator' }).click()
  const dialog = page.getByRole('dialog')
  await choose(page, 'Type', 'Fivetran')
  await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('Loads')
  await dialog.getByRole('textbox', { name: 'API key' }).fill('denied')
  await dialog.getByLabel('API secret').fill('shown-to-nobody')
  await dialog.getByRole('button', { name: 'Save and connect' }).click()
  await expect(dialog.getByRole('alert')).toContainText('Fivetran refuses: access denied')
  await expect(dialog.getByRole('alert')).toContainText('It is saved, and could not be connected')
  expect(await breaches(page)).toEqual([])
  await dialog.getByRole('textbox', { name: 'API key' }).fill('accepted')
  await dialog.getByRole('button', { name: 'Save and connect' }).click()
  await expect(page.getByRole('row', { name: /Loads Webhook hook-77 Fivetran 0 schedules/ })).toBeVisible()
  expect(await breaches(page)).toEqual([])
  await page.getByRole('button', { name: 'Delete' }).click()
  await expect(dialog).toContainText('The webhook hook-77 stays in Fivetran')
  await page.getByRole('button', { name: 'Delete orchestrator' }).click()
  await expect(page.getByText('No orchestrator yet')).toBeVisible()
})

test('a tab is not left with changes that are not saved', async ({ page }) => {
  await page.goto('/models/vip-customers?tab=columns')
  await page.getByRole('textbox', { name: 'Description of email', exact: true }).fill('Where mail goes')
  await page.getByRole('tab', { name: 'Lineage' }).click()
  await expect(page.getByRole('dialog')).toContainText('Leave without saving?')
  await page.getByRole('button', { name: 'Stay' }).click()
  await expect(page.getByRole('textbox', { name: 'Description of email', exact: true })).toHaveValue('Where mail goes')
  await page.getByRole('tab', { name: 'Lineage' }).click()
  await page.getByRole('button', { name: 'Leave' }).click()
  await expect(page.getByRole('group', { name: 'Lineage graph' })).toBeAttached()
})

test('Ctrl-K leads to every part of the settings', async ({ page }) => {
  for (const [word, title] of [['orchestrators', 'Orchestrators'], ['bi tools', 'BI tools'], ['credentials page', 'Credentials'], ['tunnels page', 'Tunnels']] as const) {
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Search for anything' }).fill(word)
    await page.keyboard.press('Enter')
    await expect(page.getByRole('heading', { level: 2, name: title }).first()).toBeVisible()
  }
})
