import { breaches, expect, signIn, test } from '../app'

test.afterEach(({ request }) => request.get('/mock/reset'))

// Req: ORG-06
test('an empty workspace is shown the way to its first run, and what is good to have', async ({ page, request }) => {
  await request.get('/mock/reset?empty')
  await signIn(page)
  const steps = page.getByRole('region', { name: 'First steps' }).getByRole('listitem')
  await expect(steps).toHaveCount(7)
  await expect(steps.getByRole('img', { name: 'Done' })).toHaveCount(0)
  expect(await breaches(page)).toEqual([])

  await steps.filter({ hasText: 'Connect a source' }).getByRole('link', { name: 'Add source' }).click()
  await page.getByRole('button', { name: /B2C/ }).click()
  await page.getByRole('button', { name: 'Finish' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'B2C eCommerce' })).toBeVisible()
  await page.getByRole('link', { name: 'Home', exact: true }).click()
  await expect(steps.filter({ hasText: 'Connect a source' }).getByRole('img', { name: 'Done' })).toBeVisible()
  await expect(steps.filter({ hasText: 'Connect a source' }).getByRole('link')).toHaveCount(0)
  await expect(steps.filter({ hasText: 'Connect a destination' }).getByRole('img', { name: 'To do' })).toBeVisible()

  for (const [step, action, address] of [
    ['Connect a destination', 'Add destination', /destinations\/new/],
    ['Say who is told of trouble', 'Add channel', /settings\/alerts\/new/],
    ['Keep data in a bucket of your own', 'Add storage', /settings\/storage\/new/],
  ] as const) {
    await page.getByRole('link', { name: 'Home', exact: true }).click()
    await steps.filter({ hasText: step }).getByRole('link', { name: action }).click()
    await expect(page).toHaveURL(address)
  }
})

// Req: ORG-06
test('the first steps are gone once rows have arrived somewhere', async ({ page, request }) => {
  await request.get('/mock/reset')
  await signIn(page)
  await expect(page.getByRole('table', { name: 'Recent runs' })).toBeVisible()
  await expect(page.getByRole('region', { name: 'First steps' })).toHaveCount(0)
})

// Req: SY-03
test('home counts all syncs, however many, and its numbers lead to them', async ({ page, request }) => {
  await request.get('/mock/reset?more=1000')
  await signIn(page)
  const health = page.getByRole('region', { name: 'Health of all syncs' })
  await expect(health.getByRole('link')).toHaveText([/^Healthy2$/, /^Need attention1$/, /^Running0$/, /^Waiting or disabled1,002$/])
  await expect(page.getByRole('region', { name: 'Needs attention' })).toContainText('401 Unauthorized')
  await health.getByRole('link', { name: /Waiting or disabled/ }).click()
  await expect(page.getByText('1,002 syncs', { exact: true })).toBeVisible()
})
