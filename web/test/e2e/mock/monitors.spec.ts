import { expect, signIn, test } from '../app'

test.beforeEach(async ({ page, request }) => {
  await request.get('/mock/reset')
  await signIn(page)
})

// Req: MON-01
test('a monitor is tested in the words of its system, saved, turned off and deleted', async ({ page }) => {
  await page.goto('/settings/monitors')
  await page.getByRole('link', { name: 'Add monitor' }).click()
  await page.getByRole('button', { name: 'Test key' }).click()
  await expect(page.getByText('API key is required.')).toBeVisible()
  await page.getByRole('textbox', { name: 'API key' }).fill('wrong')
  await page.getByRole('button', { name: 'Test key' }).click()
  await expect(page.getByText('not an application key, of an organization')).toBeVisible()
  await page.getByRole('textbox', { name: 'API key' }).fill('right')
  await page.getByRole('button', { name: 'Test key' }).click()
  await expect(page.getByText('The key is accepted.')).toBeVisible()
  await page.getByRole('textbox', { name: 'Name' }).fill('Dashboards')
  await page.getByRole('button', { name: 'Save' }).click()
  const row = page.getByRole('table', { name: 'Monitors' }).getByRole('row', { name: /Dashboards/ }).last()
  await expect(row).toContainText('None yet')
  await row.getByRole('link', { name: 'Dashboards' }).click()
  await page.getByRole('switch', { name: 'Report runs' }).click()
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('Dashboards is saved.')).toBeVisible()
  await page.getByRole('link', { name: 'Monitors' }).first().click()
  await expect(page.getByRole('table', { name: 'Monitors' }).getByRole('row', { name: /^Dashboards/ })).toContainText('Off')
})
