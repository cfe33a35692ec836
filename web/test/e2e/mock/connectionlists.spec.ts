import { expect, signIn, test } from '../app'

const stamp = String(Date.now())

// Req: SY-16, FLD-32
test('the form of a destination offers what its credentials reach, before it is saved', async ({ page }) => {
  await signIn(page)
  await page.getByRole('link', { name: 'Destinations' }).click()
  await page.getByRole('link', { name: 'Add destination' }).first().click()
  await page.getByRole('button', { name: /Example Ads/ }).click()
  const account = page.getByRole('combobox', { name: 'Ad account' })
  await account.click()
  await expect(page.getByRole('option')).toHaveCount(0)

  await page.getByLabel('Access token').fill('wrong')
  await expect(page.getByText(/Invalid OAuth access token\. Type the value instead\./)).toBeVisible()
  await page.getByLabel('Access token').fill('right')
  await expect(page.getByText(/Type the value instead/)).toHaveCount(0)
  await page.getByRole('button', { name: 'Load Ad account again' }).click()
  await account.fill('hat')
  await page.getByRole('option', { name: /Hats/ }).click()
  await expect(account).toHaveValue('18')

  await account.fill('99')
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('The connection works.')).toBeVisible()
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByLabel('Name').fill(`Ads ${stamp}`)
  await page.getByRole('button', { name: 'Finish' }).click()
  await expect(page.getByRole('heading', { level: 1, name: `Ads ${stamp}` })).toBeVisible()
  await page.getByRole('tab', { name: 'Configuration' }).click()
  await expect(page.getByText('99', { exact: true })).toBeVisible()
})
