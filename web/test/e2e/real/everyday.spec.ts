import { expect, signIn, test } from '../app'
import { addSource, named, write } from './steps'

// What people do again and again, over a real server.

test.beforeEach(({ page }) => signIn(page))

// Req: M-13, M-30
test('a query that the source refuses is answered in its own words', async ({ page }) => {
  const shop = named('Broken')
  await addSource(page, shop)
  await page.getByRole('link', { name: 'Add model' }).first().click()
  await write(page, 'SELECT * FROM public.custmers')
  await page.getByRole('button', { name: 'Preview', exact: true }).click()
  const answer = page.getByRole('region', { name: 'Preview' }).getByRole('alert')
  await expect(answer).toContainText('Table with name custmers does not exist', { timeout: 45_000 })
  await expect(page.getByRole('button', { name: 'Continue' })).toBeDisabled()
  await write(page, 'SELEC 1')
  await page.keyboard.press('Control+Enter')
  await expect(answer).toContainText('syntax error at or near "SELEC"')
})

test('Ctrl-K finds a document and leads to it', async ({ page }) => {
  const name = named('Findable shop')
  await addSource(page, name)
  await page.goto('/')
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible()
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Search for anything' }).fill(name)
  // Enter comes before the answer: it waits for it.
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible()
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Search for anything' }).fill(`no ${name}`)
  await expect(page.getByText(`Nothing is called “no ${name}”.`)).toBeVisible()
})
