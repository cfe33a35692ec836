import { breaches, choose, expect, signIn, test } from '../app'

// BI tools, orchestrators and dbt projects: connected, used by a model, and taken away.

test.beforeEach(async ({ page, request }) => {
  await request.get('/mock/reset')
  await signIn(page)
})

// Req: BI-01, BI-03
test('a BI tool is connected, a Look of it becomes a model, and the tool is deleted', async ({ page }) => {
  await page.goto('/settings/bi-tools')
  await expect(page.getByText('No BI tool yet')).toBeVisible()
  expect(await breaches(page)).toEqual([])
  await page.getByRole('button', { name: 'Add BI tool' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('Looks of sales')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(dialog.getByText('Looker address is required.')).toBeVisible()
  await dialog.getByRole('textbox', { name: 'Looker address' }).fill('https://acme.cloud.looker.com')
  await dialog.getByRole('textbox', { name: 'Client ID' }).fill('id')
  await dialog.getByLabel('Client secret').fill('shown-to-nobody')
  expect(await breaches(page)).toEqual([])
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('row', { name: /Looks of sales Looker 0 models/ })).toBeVisible()

  await page.goto('/models/new?source=production-warehouse&method=bi')
  await choose(page, 'BI tool', 'Looks of sales')
  await choose(page, 'Look', 'Look that was taken back')
  await expect(page.getByRole('alert')).toContainText('Looker has no such Look, or is not available')
  await choose(page, 'Look', 'VIPs (Sales)')
  await expect(page.getByLabel('SQL of the tool')).toContainText('SELECT customer_id, email')
  expect(await breaches(page)).toEqual([])

  await page.goto('/settings/bi-tools')
  await page.getByRole('button', { name: 'Edit' }).click()
  await expect(dialog.getByText('Stored. It is never shown again.')).toBeVisible()
  await expect(dialog.getByRole('combobox', { name: 'Type' })).toBeDisabled()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('button', { name: 'Delete BI tool' }).click()
  await expect(page.getByText('No BI tool yet')).toBeVisible()
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

// Req: DBT-01, DBT-03
test('the manifest of a dbt project is loaded, and its models are offered', async ({ page }) => {
  await page.goto('/sources/production-warehouse?tab=dbt')
  expect(await breaches(page)).toEqual([])
  await page.getByRole('button', { name: 'Add dbt project' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('Shop project')
  await dialog.getByRole('button', { name: 'Save' }).click()
  const card = page.getByRole('region', { name: 'Shop project' })
  await expect(card).toContainText('No manifest yet')
  const upload = async (content: object) => card.locator('input[type=file]').setInputFiles({ name: 'manifest.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(content)) })
  await upload({ nodes: {} })
  await expect(card.getByRole('alert')).toContainText('this is no manifest of dbt')
  const node = { name: 'vips', original_file_path: 'models/vips.sql', description: 'People who bought a lot', relation_name: 'public.vips' }
  await upload({ metadata: { dbt_version: '1.10.4', project_name: 'shop', adapter_type: 'postgres', generated_at: '2026-02-28T07:00:00Z' }, nodes: { 'model.shop.vips': node } })
  await expect(card).toContainText('1.10.4')
  expect(await breaches(page)).toEqual([])

  await page.goto('/models/new?source=production-warehouse&method=dbt')
  await page.getByRole('textbox', { name: 'Search the dbt project' }).fill('nothing-like-it')
  await expect(page.getByText('No model matches')).toBeVisible()
  await page.getByRole('textbox', { name: 'Search the dbt project' }).fill('vips')
  await page.getByRole('button', { name: /vips/ }).click()
  await expect(page.getByText('model.shop.vips').first()).toBeVisible()
  expect(await breaches(page)).toEqual([])
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
