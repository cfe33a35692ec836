import { expect, signIn, test } from '../app'

const stamp = String(Date.now())

// Req: SY-16, S-02, S-85, S-87, M-13, SY-08, SY-71
test('from signing in to a finished run', async ({ page }) => {
  await signIn(page)

  await page.getByRole('link', { name: 'Sources' }).click()
  await page.getByRole('link', { name: 'Add source' }).first().click()
  await page.getByRole('button', { name: /B2C eCommerce/ }).click()
  await page.getByLabel('Name', { exact: false }).first().fill(`Shop ${stamp}`)
  await page.getByRole('button', { name: 'Finish' }).click()
  await expect(page.getByRole('heading', { level: 1, name: `Shop ${stamp}` })).toBeVisible()

  await page.getByRole('link', { name: 'Add model' }).first().click()
  await page.getByRole('button', { name: 'Abandoned cart retargeting ads' }).click()
  await page.getByRole('button', { name: 'Preview', exact: true }).click()
  await expect(page.getByRole('table', { name: 'Preview rows' })).toBeVisible()
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByLabel('Name').fill(`Carts ${stamp}`)
  await page.getByRole('button', { name: 'Finish' }).click()
  await expect(page.getByRole('heading', { level: 1, name: `Carts ${stamp}` })).toBeVisible()

  await page.getByRole('link', { name: 'Destinations' }).click()
  await page.getByRole('link', { name: 'Add destination' }).first().click()
  await page.getByRole('button', { name: /Local folder/ }).click()
  await page.getByLabel('Folder').fill(`e2e-${stamp}`)
  await expect(page.getByRole('button', { name: 'Continue' })).toBeDisabled()
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('The connection works.')).toBeVisible()
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByLabel('Name').fill(`Folder ${stamp}`)
  await page.getByRole('button', { name: 'Finish' }).click()
  await expect(page.getByRole('heading', { level: 1, name: `Folder ${stamp}` })).toBeVisible()

  await page.getByRole('link', { name: 'Add sync' }).first().click()
  await page.getByRole('button', { name: new RegExp(`^Carts ${stamp}`) }).click()
  await page.getByLabel('File name', { exact: false }).first().fill('carts.csv')
  await page.getByRole('button', { name: 'Continue' }).click()
  await expect(page.getByRole('radiogroup', { name: 'Schedule type' })).toBeVisible()
  await page.getByRole('button', { name: 'Finish and run' }).click()

  await expect(page.getByRole('heading', { level: 1, name: /^Run \d+$/ })).toBeVisible()
  await expect(page.getByText(/^Completed/).first()).toBeVisible({ timeout: 45_000 })
  await page.getByRole('tab', { name: /Successful/ }).click()
  await expect(page.getByRole('table', { name: 'Successful rows' }).getByRole('row').nth(1)).toBeVisible()
})
