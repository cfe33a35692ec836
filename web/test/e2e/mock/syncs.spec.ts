import { breaches, expect, signIn, test } from '../app'

// What the pages of syncs say: the list, the page of one, the way to a new one.

test.beforeEach(async ({ page, request }) => {
  await request.get('/mock/reset')
  await signIn(page)
})

// Req: SY-02
test('the list says of every sync, active or not, how it stands, what it connects, when it ran and who made it', async ({ page }) => {
  await page.setViewportSize({ width: 1560, height: 860 })
  await page.goto('/syncs')
  const table = page.getByRole('table', { name: 'Syncs' })
  for (const name of ['Status', 'Sync', 'Model', 'Destination', 'Last run', 'Created']) await expect(table.getByRole('columnheader', { name, exact: true })).toBeVisible()
  await expect(table.getByRole('row', { name: /^Select VIP customers to CRM/ })).toContainText(/VIP customers.*CRM database.*15 minutes ago.*2 weeks ago.*Admin/)
  await expect(table.getByRole('row', { name: /All consenting customers/ })).toContainText(/Disabled.*Never/)
  await table.getByRole('row', { name: /^Select VIP customers to CRM/ }).locator('time').first().hover()
  await expect(page.getByRole('tooltip')).toContainText(String(new Date().getFullYear()))
})

// Req: SY-04, SY-05
test('the menu of a sync has what can be done with it', async ({ page }) => {
  await page.goto('/syncs/vip-customers-to-crm')
  await page.getByRole('button', { name: 'More actions' }).click()
  await expect(page.getByRole('menuitem')).toHaveText(['Resync full query', 'Reset CDC', 'Clear and fill', 'Name, folder and labels', 'Delete sync'])
  await page.getByRole('menuitem', { name: 'Name, folder and labels' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('combobox', { name: 'Folder' }).fill('Marketing/EU')
  await dialog.getByRole('combobox', { name: 'Labels' }).fill('stage:live')
  await page.keyboard.press('Enter')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(dialog).toHaveCount(0)
  await expect(page.getByText('Marketing/EU', { exact: true })).toBeVisible()
  await expect(page.getByText('stage:live', { exact: true })).toBeVisible()

  await page.getByRole('button', { name: 'More actions' }).click()
  const asked = page.waitForRequest(/\/trigger$/)
  await page.getByRole('menuitem', { name: 'Reset CDC' }).click()
  await expect(page.getByRole('dialog')).toContainText('sends nothing')
  await page.getByRole('button', { name: 'Reset CDC and run' }).click()
  expect((await asked).postDataJSON()).toMatchObject({ resetCDC: true })
})

// Req: SY-05
test('a sync is deleted after it was asked for twice', async ({ page }) => {
  await page.goto('/syncs/vip-customers-to-exports')
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Delete sync' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete sync' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Syncs' })).toBeVisible()
  await expect(page.getByRole('table', { name: 'Syncs' })).not.toContainText('VIP customers to exports')
})

// Req: SY-06
test('a sync tells its ID, its schedule, its labels, and its mode where there is a choice of modes', async ({ page, request }) => {
  const details = page.getByRole('main')
  const found = (await (await page.request.get('/api/syncs/vip-customers-to-crm')).json()) as { metadata: { id: number } }
  await page.goto('/syncs/vip-customers-to-crm')
  await expect(details.getByText(`Sync ID ${found.metadata.id}`, { exact: true })).toBeVisible()
  await expect(details.getByText('Mode: Upsert')).toBeVisible()
  await expect(details.getByText(/^Every hour, next run in 30 minutes/)).toBeVisible()
  for (const label of ['team:crm', 'tier:gold']) await expect(details.getByText(label, { exact: true })).toBeVisible()
  await page.goto('/syncs/abandoned-carts-to-exports')
  await expect(details.getByText(/^Cron 0 6 \* \* \* \(UTC\), next run/)).toBeVisible()
  await page.goto('/syncs/abandoned-carts-to-contacts-api')
  await expect(details.getByText('Manual', { exact: true }).first()).toBeVisible()
  await expect(details.getByText(/^Mode:/)).toHaveCount(0)

  const sync = (await (await page.request.get('/api/syncs/vip-customers-to-exports')).json()) as { metadata: { revision: number }; spec: object }
  const custom = { type: 'custom', zone: 'Europe/Berlin', recurrences: [{ time: '08:30', days: ['monday', 'friday'] }] }
  const metadata = { ...sync.metadata, name: 'VIP customers to exports', labels: {} }
  await page.request.put('/api/syncs/vip-customers-to-exports', { headers: { 'X-CSRF-Token': 'mock-csrf-token' }, data: { metadata, spec: { ...sync.spec, schedule: custom } } })
  await page.goto('/syncs/vip-customers-to-exports')
  await expect(details.getByText(/08:30 on Mon and Fri \(Europe\/Berlin\)/).first()).toBeVisible()
  await request.get('/mock/reset')
})

// Req: SY-07
test('a sync has its tabs, and the last says who changed what', async ({ page }) => {
  await page.goto('/syncs/vip-customers-to-crm')
  await expect(page.getByRole('tab')).toHaveText([/^Runs/, /^Configuration/, /^Schedule/, /^Alerts/, /^Sync logs/, /^Lineage/, /^Activity/])
  await page.getByRole('tab', { name: 'Configuration' }).click()
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await page.getByLabel('Insert').check()
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('The sync is saved.')).toBeVisible()
  await page.getByRole('tab', { name: 'Activity' }).click()
  const activity = page.getByRole('table', { name: 'Activity' }).getByRole('row')
  await expect(activity).toHaveCount(3)
  await expect(activity.nth(1)).toContainText('Changed the configuration')
  await expect(activity.nth(2)).toContainText('Created VIP customers to CRM')
})

// Req: SY-08
test('a run tells when it began, how long it took, what it read, had to do, and did', async ({ page }) => {
  await page.goto('/syncs/vip-customers-to-crm')
  const table = page.getByRole('table', { name: 'Runs' })
  await expect(table.getByRole('columnheader')).toHaveText(['Status', 'Started', 'Trigger', 'Duration', 'Rows queried', 'Operations', 'Successful', 'Rejected'])
  const row = table.getByRole('row', { name: /Completed with errors/ })
  await expect(row).toContainText('15 minutes ago')
  await expect(row.getByRole('cell').nth(3)).toHaveText('13 s')
  await expect(row.getByRole('cell').nth(4)).toHaveText('8,421')
  await expect(row).toContainText('120 added, 40 changed, 6 removed')
  await expect(row).toContainText('112 added, 39 changed, 6 removed')
  await expect(row).toContainText('8 added, 1 changed, 0 removed')
})

// Req: SY-16
test('the query of a model is viewed before the model is chosen for a sync', async ({ page }) => {
  await page.goto('/syncs/new')
  await page.getByRole('button', { name: 'View query of Abandoned carts' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByLabel('Query')).toContainText('SELECT * FROM public.customers')
  await expect(dialog.getByText('customer_id')).toBeVisible()
  expect(await breaches(page)).toEqual([])
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
  await page.getByRole('button', { name: /^View query of Customers of all regions/ }).click()
  await expect(dialog).toContainText('public.customers')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'View query of VIP customers' }).click()
  await dialog.getByRole('button', { name: 'Choose this model' }).click()
  await expect(page.getByRole('group', { name: 'Destinations' })).toBeVisible()
  await expect(page).toHaveURL(/model=vip-customers/)
})

test('models to choose from are searched once there are many', async ({ page }) => {
  const csrf = { 'X-CSRF-Token': 'mock-csrf-token' }
  for (let i = 0; i < 70; i++) await page.request.post('/api/models', { headers: csrf, data: { metadata: { name: `Model ${i}` }, spec: { source: 'b2c-ecommerce', method: 'sql', sql: 'SELECT 1', primaryKey: 'id', columns: [] } } })
  await page.goto('/syncs/new')
  await expect(page.getByText('Search to see 13 more.')).toBeVisible()
  await page.getByRole('textbox', { name: 'Search models' }).fill('model 69')
  await expect(page.getByRole('group', { name: 'Models' }).getByRole('button', { name: /^Model/ })).toHaveCount(1)
  await page.getByRole('textbox', { name: 'Search models' }).fill('nothing like it')
  await expect(page.getByText('No models match.')).toBeVisible()
})
