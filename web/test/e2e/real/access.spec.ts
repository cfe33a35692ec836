import { breaches, expect, signIn, test } from '../app'
import { named } from './steps'

// Who may come in, over a real server.

test('a wrong password is refused in plain words', async ({ page }) => {
  await page.goto('/sign-in')
  await page.getByLabel('Email').fill('nobody@example.com')
  await page.getByRole('textbox', { name: 'Password' }).fill('not the password')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('alert')).toBeVisible()
  await expect(page).toHaveURL(/sign-in/)
})

test('a deep link leads through sign-in to its page, and signing out closes it', async ({ page }) => {
  await page.goto('/destinations?search=nothing')
  await expect(page).toHaveURL(/sign-in/)
  await signIn(page, { here: true })
  await expect(page).toHaveURL(/destinations\?search=nothing/)
  await page.getByRole('button', { name: /^Account of/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await expect(page).toHaveURL(/sign-in/)
  await page.goto('/destinations')
  await expect(page).toHaveURL(/sign-in/)
})

test('API-02 a key is shown once, works, and works no more once it is deleted', async ({ page, playwright, baseURL }) => {
  const name = named('Key')
  await signIn(page)
  await page.goto('/settings/keys')
  await page.getByRole('button', { name: 'Create key' }).first().click()
  await page.getByRole('dialog').getByLabel('Name').fill(name)
  await page.getByRole('dialog').getByRole('button', { name: 'Create key' }).click()
  const secret = await page.getByTestId('secret').innerText()
  expect(await breaches(page)).toEqual([])
  const api = await playwright.request.newContext({ baseURL, extraHTTPHeaders: { Authorization: `Bearer ${secret}` } })
  expect((await api.get('/api/v1/syncs')).status()).toBe(200)
  await page.getByRole('button', { name: 'Done' }).click()
  await expect(page.getByText(secret)).toHaveCount(0)
  await page.getByRole('button', { name: `Delete the key ${name}` }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete key' }).click()
  await expect(page.getByText(`The key ${name} is deleted.`)).toBeVisible()
  expect((await api.get('/api/v1/syncs')).status()).toBe(401)
  await api.dispose()
})
