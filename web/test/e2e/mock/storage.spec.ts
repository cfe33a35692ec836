import { breaches, expect, signIn, test } from '../app'

test.beforeEach(async ({ page, request }) => {
  await request.get('/mock/reset')
  await signIn(page)
})

// Req
test('a storage is described, tested and saved', async ({ page }) => {
  await page.goto('/settings/storage')
  await page.getByRole('link', { name: 'Add storage' }).click()
  await page.getByRole('button', { name: /Amazon S3/ }).click()
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('Bucket name is required.')).toBeVisible()
  await page.getByRole('textbox', { name: 'Bucket name' }).fill('denied')
  await page.getByRole('textbox', { name: 'Access key ID' }).fill('AKIATEST')
  await page.getByLabel('Secret access key').fill('secret')
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByRole('alert')).toContainText('AccessDenied')
  await expect(page.getByRole('alert')).toContainText('s3:PutObject')
  await expect(page.getByRole('button', { name: 'Save' })).toBeDisabled()
  await page.getByRole('textbox', { name: 'Bucket name' }).fill('acme-second')
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('The connection works.')).toBeVisible()
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Second')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('row', { name: /Second.*acme-second/ })).toBeVisible()
  await expect(page.getByText('This server’s own storage').first()).toBeVisible()
})

// Req
test('a switch names its consequences, shows its progress, and leaves syncs that ask', async ({ page, request }) => {
  await request.get('/mock/reset?step=2500') // so that each step shows
  await page.goto('/settings/storage')
  await page.getByRole('row', { name: /Lake/ }).getByRole('button', { name: 'Use it' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('All syncs of the workspace pause')
  await expect(dialog).toContainText('3 syncs have to begin anew')
  await expect(dialog).toContainText('VIP customers to CRM')
  await expect(dialog).toContainText('can no longer be looked at')
  await dialog.getByRole('button', { name: 'Pause syncs and move' }).click()
  const progress = page.getByRole('region', { name: 'Switch of the storage' })
  await expect(progress).toBeVisible()
  await expect(progress).toContainText('waiting for 2 runs')
  expect(await breaches(page)).toEqual([])
  await expect(progress).toBeHidden({ timeout: 30_000 })
  await expect(page.getByRole('row', { name: /Lake.*In use/ })).toBeVisible()
  await page.getByText('Need an answer (3)').click()
  const row = page.getByRole('row', { name: /VIP customers to CRM/ })
  await expect(row).toContainText('In former storage')
  await row.getByRole('button', { name: 'Full resync' }).click()
  await expect(page.getByRole('dialog')).toContainText('Every row that the model has now is sent as added')
  await page.getByRole('dialog').getByRole('button', { name: 'Full resync' }).click()
  await expect(page.getByText('Need an answer (2)')).toBeVisible()
  await page.getByRole('button', { name: 'Answer for all' }).click()
  await page.getByRole('menuitem', { name: 'What is safe for each' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Start 2 runs' }).click()
  await expect(page.getByText('No sync needs an answer.')).toBeVisible()
})

// Req: X-12
test('a switch that waits can be cancelled', async ({ page, request }) => {
  await request.get('/mock/reset?step=60000') // it waits for as long as the test needs
  await page.goto('/settings/storage')
  await page.getByRole('row', { name: /Lake/ }).getByRole('button', { name: 'Use it' }).click()
  await page.getByRole('button', { name: 'Pause syncs and move' }).click()
  await page.getByRole('button', { name: 'Cancel the switch' }).click()
  await expect(page.getByRole('region', { name: 'Switch of the storage' })).toBeHidden()
  await expect(page.getByText('This server’s own storage').first()).toBeVisible()
})

test('storages can be searched and deleted', async ({ page }) => {
  await page.goto('/settings/storage')
  await page.getByRole('textbox', { name: 'Search storages' }).fill('nothing like it')
  await expect(page.getByText('No storages match')).toBeVisible()
  await page.getByRole('button', { name: 'Clear the search' }).click()
  await page.getByRole('button', { name: 'Actions for Lake' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await page.getByRole('button', { name: 'Delete storage' }).click()
  await expect(page.getByRole('row', { name: /Lake/ })).toBeHidden()
})

// Req: X-07
test('without a storage, the page says where things are', async ({ page, request }) => {
  await request.get('/mock/reset?empty')
  await page.goto('/settings/storage')
  await expect(page.getByRole('heading', { name: 'No bucket of your own yet' })).toBeVisible()
  await expect(page.getByText('There is no sync yet.')).toBeVisible()
  expect(await breaches(page)).toEqual([])
})
