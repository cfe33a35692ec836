import type { APIRequestContext } from '@playwright/test'
import { breaches, expect, signIn, test } from '../app'

const headers = { 'X-CSRF-Token': 'mock-csrf-token' }

/** Makes an ad account, a sync to it, and a warehouse with the Lightning engine. */
async function furnish(request: APIRequestContext): Promise<void> {
  const post = async (kind: string, name: string, spec: object) => {
    const answer = await request.post(`/api/${kind}`, { headers, data: { metadata: { name }, spec } })
    expect(answer.ok(), await answer.text()).toBe(true)
  }
  const postgres = { type: 'postgres', engine: 'lightning', configuration: { host: 'db.example.com', port: 5432, database: 'shop', user: 'sync', password: 'x' } }
  await post('sources', 'Lightning house', postgres)
  await post('sources', 'Locked house', { ...postgres, configuration: { ...postgres.configuration, auditSchema: 'denied' } })
  await post('destinations', 'Ad account', { type: 'meta', configuration: { token: 'x', adAccount: '17' } })
  await post('syncs', 'Buyers to ads', {
    model: 'vip-customers', destination: 'ad-account', type: 'audience', mode: 'add', settings: { audience: '101' }, match: [], mappings: [{ to: 'EMAIL', from: 'email' }], schedule: { type: 'manual' },
  })
}

test.beforeEach(async ({ page, request }) => {
  await request.get('/mock/reset')
  await signIn(page)
  await furnish(page.request)
})

// Req: SY-94, SY-95
test('a destination writes the sizes of its audiences into a source that is chosen', async ({ page }) => {
  await page.goto('/destinations/ad-account')
  await page.getByRole('tab', { name: 'Audience sizes' }).click()
  const report = page.getByRole('region', { name: 'Report' })
  await expect(report.getByRole('switch', { name: 'Write audience sizes every day' })).toBeDisabled()
  await report.getByRole('combobox', { name: 'Source' }).click()
  await expect(page.getByRole('option')).toHaveText(['Lightning house', 'Locked house'])
  await page.getByRole('option', { name: 'Lightning house' }).click()
  await report.getByRole('switch', { name: 'Write audience sizes every day' }).check()
  await report.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('The report is saved. The audiences are looked at now')).toBeVisible()
  await expect(report).toContainText('millrace_audit.external_audiences_metadata_v1')
  const looks = page.getByRole('region', { name: 'Looks', exact: true })
  await expect(looks.getByRole('table')).toContainText(/2 audiences.*millrace_audit\.meta_\d+_audiences/)
  const before = await looks.getByRole('row').count()
  await looks.getByRole('button', { name: 'Run now' }).click()
  await expect(looks.getByRole('row')).toHaveCount(before + 1)
  const table = page.getByRole('region', { name: 'Audiences', exact: true })
  await expect(table.getByRole('row', { name: /VIP customers/ })).toContainText('4,900')
  await expect(table.getByRole('row', { name: /VIP customers/ }).getByRole('link', { name: 'Buyers to ads' })).toBeVisible()
  await expect(table.getByRole('row', { name: /Few people/ })).toContainText('Unknown')
  expect(await breaches(page)).toEqual([])

  await report.getByRole('combobox', { name: 'Source' }).click()
  await page.getByRole('option', { name: 'Locked house' }).click()
  await report.getByRole('button', { name: 'Save' }).click()
  await expect(looks).toContainText('The last look failed and is tried again')
  await expect(looks).toContainText('names the grant that is missing')

  await page.goto('/destinations/crm-database')
  await expect(page.getByRole('tab', { name: 'Configuration' })).toBeVisible()
  await expect(page.getByRole('tab', { name: 'Audience sizes' })).toHaveCount(0)
})

// Req: MB-14, SY-06
test('a sync to an audience shows how many users were matched', async ({ page }) => {
  await page.goto('/syncs/buyers-to-ads')
  const card = page.getByRole('region', { name: 'Matched users' })
  await expect(card).toContainText('4,900 (70 %)')
  await card.getByRole('button', { name: 'See details' }).click()
  const details = page.getByRole('dialog', { name: 'Matched users' })
  await expect(details).toContainText('up to 48 hours')
  await expect(details.getByRole('link', { name: 'VIP customers' })).toHaveAttribute('href', /adsmanager/)
  await expect(details.getByRole('table')).toContainText('30 %')
  const looks = details.getByRole('group', { name: 'Matched users over time' }).getByRole('button')
  await expect(looks).toHaveCount(2)
  await expect(looks.first()).toHaveAccessibleName(/, Matched users 2,100, Rows of the model 7,000$/)
  await expect(looks.last()).toHaveAccessibleName(/, Matched users 4,900, Rows of the model 7,000$/)
  expect(await breaches(page)).toEqual([])

  await page.goto('/syncs/vip-customers-to-crm')
  await expect(page.getByRole('tab', { name: 'Runs' })).toBeVisible()
  await expect(page.getByRole('region', { name: 'Matched users' })).toHaveCount(0)
})
