import type { APIRequestContext } from '@playwright/test'
import { breaches, expect, signIn, test } from '../app'

const headers = { 'X-CSRF-Token': 'mock-csrf-token' }

/** Makes a pixel and a sync of events to it. */
async function furnish(request: APIRequestContext, pixelId: string): Promise<void> {
  const post = async (kind: string, name: string, spec: object) => {
    const answer = await request.post(`/api/${kind}`, { headers, data: { metadata: { name }, spec } })
    expect(answer.ok(), await answer.text()).toBe(true)
  }
  await post('destinations', 'Pixel', { type: 'meta-conversions', configuration: { pixelId, token: 'x' } })
  await post('syncs', 'Purchases to Meta', {
    model: 'vip-customers', destination: 'pixel', type: 'event', mode: 'insert', settings: {}, match: [], mappings: [{ to: 'event.event_name', from: 'email' }], schedule: { type: 'manual' },
  })
}

test.beforeEach(async ({ page, request }) => {
  await request.get('/mock/reset')
  await signIn(page)
})

test('a sync of events shows what the vendor makes of them', async ({ page }) => {
  await furnish(page.request, '501')
  await page.goto('/syncs/purchases-to-meta')
  const card = page.getByRole('region', { name: 'Event quality', exact: true })
  await expect(card).toContainText('Asked 3 min')
  const purchase = card.getByRole('row', { name: /Purchase/ })
  await expect(purchase).toContainText('6.2 of 10')
  await expect(purchase).toContainText('+137.9 %')
  await expect(card.getByRole('row', { name: /Search/ }).getByRole('cell')).toContainText(['Search', 'Unknown', 'Unknown', 'None', 'Details'])

  const button = card.getByRole('button', { name: 'Details of Purchase' })
  await expect(button).toHaveAttribute('aria-expanded', 'false')
  await button.click()
  const details = card.getByRole('region', { name: 'Details of Purchase' })
  await expect(details).toContainText(/email100 %.*ip_address99\.9 %.*phoneUnknown/)
  await expect(details).toContainText('61.5 % of the events')
  await expect(details).toContainText('Send the address')
  expect(await breaches(page)).toEqual([])
  await button.click()
  await expect(details).toHaveCount(0)

  await card.getByRole('button', { name: 'Ask again' }).click()
  await expect(card).toContainText('Asked just now')
})

test('a vendor without quality says so, one that refuses says why, and others are not asked', async ({ page }) => {
  await furnish(page.request, 'none')
  await page.goto('/syncs/purchases-to-meta')
  const card = page.getByRole('region', { name: 'Event quality', exact: true })
  await expect(card).toContainText('Meta Conversions API reports no quality yet')
  expect(await breaches(page)).toEqual([])

  await page.request.get('/mock/reset')
  await furnish(page.request, 'denied')
  await page.reload()
  await expect(card.getByRole('alert')).toContainText('Missing Permissions')
  await expect(card.getByRole('alert')).toContainText('Generate an access token')
  await expect(card.getByRole('button', { name: 'Ask again' })).toBeEnabled()
  expect(await breaches(page)).toEqual([])

  await page.goto('/syncs/vip-customers-to-crm')
  await expect(page.getByRole('tab', { name: 'Runs' })).toBeVisible()
  await expect(page.getByRole('table')).not.toHaveCount(0)
  await expect(card).toHaveCount(0)
})
