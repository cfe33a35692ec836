import { breaches, expect, signIn, test } from '../app'

test.afterEach(({ request }) => request.get('/mock/reset'))

// Req: ORG-07
test('S and then W, Ctrl K and the menu of the person lead to the workspaces; one is found by name or slug and entered', async ({ page }) => {
  await signIn(page)
  await page.keyboard.press('s')
  await page.keyboard.press('w')
  await expect(page).toHaveURL(/\/workspaces$/)
  await page.getByRole('link', { name: 'Syncs', exact: true }).click()
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Search for anything' }).fill('switch')
  await page.getByRole('option', { name: /Switch workspace/ }).click()
  await expect(page.getByRole('heading', { name: 'Workspaces', exact: true })).toBeVisible()
  await page.getByRole('link', { name: 'Home', exact: true }).click()
  await page.getByRole('button', { name: 'Account of Admin' }).click()
  await page.getByRole('menuitem', { name: /Switch workspace/ }).click()

  const rows = page.getByRole('table', { name: 'Workspaces' }).getByRole('row')
  await expect(rows).toHaveCount(4)
  await expect(rows.filter({ hasText: 'where you are' })).toContainText('Main')
  const search = page.getByRole('textbox', { name: 'Search workspaces' })
  await search.fill('emea')
  await expect(rows).toHaveCount(2)
  await search.fill('sandb')
  await page.getByRole('button', { name: 'Sandbox' }).click()
  await expect(page.getByRole('button', { name: 'Account of Admin' })).toContainText('Sandbox')
  await expect(page.getByRole('heading', { name: 'Sandbox' })).toBeVisible()
})

// Req: ORG-02, ORG-03, ORG-07
test('a workspace is added and entered; letters that are typed into a field lead nowhere', async ({ page }) => {
  await signIn(page)
  await page.goto('/workspaces')
  await page.getByRole('button', { name: 'Add workspace' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add workspace' })
  await dialog.getByLabel('Name').fill('Sandbox')
  await dialog.getByLabel('Slug').fill('sandbox')
  await dialog.getByRole('button', { name: 'Add and enter' }).click()
  await expect(dialog.getByText('there is a workspace "sandbox" already').first()).toBeVisible()
  expect(await breaches(page)).toEqual([])
  await dialog.getByLabel('Name').fill('')
  await dialog.getByLabel('Name').pressSequentially('swiss')
  await dialog.getByLabel('Slug').fill('')
  await expect(dialog).toBeVisible()
  await dialog.getByRole('button', { name: 'Add and enter' }).click()
  await expect(page.getByRole('heading', { name: 'swiss' })).toBeVisible()
})
