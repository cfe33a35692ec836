import type { Page } from '@playwright/test'
import { breaches, choose, expect, signIn, test } from '../app'

// The lists of the settings are one list: searched, sorted, and honest about being empty, broken or long.

const headers = { 'X-CSRF-Token': 'mock-csrf-token' }

const lists = [
  { path: 'alerts', api: 'alert-channels', many: 'alert channels', caption: 'Alert channels', spec: { type: 'slack', configuration: {} }, empty: 'Add your first alert channel' },
  { path: 'monitors', api: 'monitors', many: 'monitors', caption: 'Monitors', spec: { type: 'datadog', configuration: {} }, empty: 'Send the numbers of runs to Datadog' },
  { path: 'bi-tools', api: 'bi-tools', many: 'BI tools', caption: 'BI tools', spec: { type: 'looker', configuration: {} }, empty: 'No BI tool yet' },
  { path: 'orchestrators', api: 'orchestrators', many: 'orchestrators', caption: 'Orchestrators', spec: { type: 'fivetran', configuration: {} }, empty: 'No orchestrator yet' },
  { path: 'storage', api: 'storages', many: 'storages', caption: 'Storages', spec: { type: 's3', configuration: { bucket: 'b' } }, empty: 'No bucket of your own yet' },
  { path: 'tunnels', api: 'tunnels', many: 'tunnels', caption: 'Tunnels', spec: { type: 'standard', sshHost: 'h', serviceHost: 's', servicePort: 1 }, empty: 'No tunnel yet' },
  { path: 'credentials', api: 'credentials', many: 'credentials', caption: 'Credentials', spec: { type: 'azure', configuration: {} }, empty: 'No credential yet' },
  { path: 'keys', api: 'keys', many: 'API keys', caption: 'API keys', empty: 'No API key yet' },
] as const

const long = 'A name that is much longer than the place that a list has for it, as people write them now and then when they mean well'

async function add(page: Page, list: (typeof lists)[number], name: string) {
  const data = 'spec' in list ? { metadata: { name }, spec: list.spec } : { name }
  expect((await page.request.post(`/api/${list.api}`, { headers, data })).ok()).toBe(true)
}

test.afterEach(({ request }) => request.get('/mock/reset'))

for (const list of lists) {
  const { path, many, caption, empty } = list
  test(`the list of ${many} is empty, filled, searched, sorted, and broken`, async ({ page, request }) => {
    await request.get('/mock/reset?empty')
    await signIn(page)
    await page.goto(`/settings/${path}`)
    await expect(page.getByText(empty)).toBeVisible()
    for (const name of ['beta 10', long, 'beta 9']) await add(page, list, name)
    await page.reload()
    const rows = page.getByRole('table', { name: caption }).getByRole('row')
    await expect(rows).toHaveCount(4)
    await expect(rows.nth(1)).toContainText(long)
    await expect(rows.nth(2)).toContainText('beta 9')
    const place = page.getByRole('region', { name: `${caption}, scrolls` })
    expect(await place.evaluate((element) => element.scrollWidth - element.clientWidth), 'what a long name makes the table overflow by').toBe(0)

    await page.getByRole('button', { name: /^(Name|Channel|Monitor)$/ }).click()
    await page.getByRole('button', { name: /^(Name|Channel|Monitor)$/ }).click()
    await expect(page).toHaveURL(/sort=-name/)
    await expect(rows.nth(1)).toContainText('beta 10')
    await page.getByRole('textbox', { name: `Search ${many}` }).fill('beta 9')
    await expect(rows).toHaveCount(2)
    await expect(page).toHaveURL(/search=beta/)
    await page.getByRole('textbox', { name: `Search ${many}` }).fill('nobody')
    await expect(page.getByText(`No ${many} match`)).toBeVisible()
    await page.getByRole('button', { name: 'Clear search and filters' }).click()
    await expect(rows).toHaveCount(4)
    expect(await breaches(page)).toEqual([])

    let broken = true
    await page.route(`**/api/${list.api}**`, (route) => (broken ? route.fulfill({ status: 422, json: { error: { code: 'input.invalid', message: 'the disk is full' } } }) : route.continue()))
    await page.reload()
    await expect(page.getByText(`The ${many} could not be loaded`)).toBeVisible()
    broken = false
    await page.getByRole('button', { name: 'Try again' }).first().click()
    await expect(rows).toHaveCount(4)
  })
}

// Req: API-02
test('several keys are chosen and deleted at once', async ({ page }) => {
  await signIn(page)
  for (const name of ['Dagster', 'Mage', 'Prefect']) await page.request.post('/api/keys', { headers, data: { name } })
  await page.goto('/settings/keys')
  const rows = page.getByRole('table', { name: 'API keys' }).getByRole('row')
  await expect(rows).toHaveCount(5)
  await page.getByRole('checkbox', { name: 'Select Dagster' }).check()
  await page.getByRole('checkbox', { name: 'Select Prefect' }).click({ modifiers: ['Shift'] })
  await expect(page.getByText('3 selected')).toBeVisible()
  await page.getByRole('checkbox', { name: 'Select Mage' }).uncheck()
  expect(await breaches(page)).toEqual([])
  await page.getByRole('button', { name: 'Delete 2 keys' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete 2 keys' }).click()
  await expect(page.getByText('2 keys deleted.')).toBeVisible()
  await expect(rows).toHaveCount(3)
  await expect(page.getByRole('region', { name: 'Selection' })).toHaveCount(0)
  await page.getByRole('checkbox', { name: 'Select all', exact: true }).click()
  await page.getByRole('button', { name: 'Delete 2 keys' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete 2 keys' }).click()
  await expect(page.getByText('No API key yet')).toBeVisible()
})

// Req: MON-04
test('PagerDuty hears of fatal errors and rejected rows as often as it should, sync by sync', async ({ page }) => {
  await signIn(page)
  await page.goto('/settings/alerts/new?type=pagerduty')
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Data duty')
  await page.getByRole('textbox', { name: 'Integration key' }).fill('0123456789abcdef0123456789abcdef')
  await choose(page, 'Levels', 'Critical only')
  await page.getByRole('textbox', { name: 'Repeat' }).fill('30')
  const sent = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/api/alert-channels'))
  await page.getByRole('button', { name: 'Save' }).click()
  expect((await sent).postDataJSON()).toMatchObject({ spec: { type: 'pagerduty', levels: 'critical', repeatMinutes: 30 } })

  await page.goto('/syncs/vip-customers-to-exports?tab=alerts')
  await page.getByRole('button', { name: 'Edit alerts' }).click()
  await choose(page, 'Who is told', 'Recipients of this sync alone')
  await page.getByRole('button', { name: 'Add recipient' }).click()
  await page.getByRole('combobox', { name: 'Channel' }).click()
  await page.getByRole('option', { name: 'Data duty' }).click()
  await choose(page, 'Rejected rows is', 'Own thresholds')
  await page.getByRole('group', { name: 'Rejected rows' }).getByLabel('Critical from').fill('1')
  await page.getByRole('group', { name: 'Rejected rows' }).getByLabel('Warning from').fill('')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('The alerts are saved.')).toBeVisible()
  await expect(page.getByRole('region', { name: 'Recipients' })).toContainText('Data duty')
  await expect(page.getByRole('listitem', { name: 'Fatal error' })).toContainText('Critical when a run fails.')
  await expect(page.getByRole('listitem', { name: 'Rejected rows' })).toContainText('Critical when 1 row is rejected. Set here.')
  await page.goto('/settings/alerts')
  await expect(page.getByRole('row', { name: /Data duty/ })).toContainText('1 document')
})

// Req: X-28
test('a credential of Azure asks for the secret’s value, and is tested before it is kept', async ({ page }) => {
  await signIn(page)
  await page.goto('/settings/credentials/new?type=azure')
  await expect(page.getByRole('button', { name: 'Save' })).toBeDisabled()
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Azure of the group')
  await page.getByRole('button', { name: 'Test connection' }).click()
  for (const field of ['Tenant ID', 'Client ID', 'Client secret']) await expect(page.getByText(`${field} is required.`)).toBeVisible()
  await expect(page.getByText('The secret\'s value, not its ID.')).toBeVisible()
  await page.getByRole('textbox', { name: 'Tenant ID' }).fill('11111111-1111-4111-8111-111111111111')
  await page.getByRole('textbox', { name: 'Client ID' }).fill('22222222-2222-4222-8222-222222222222')
  await page.getByLabel('Client secret').fill('shown-to-nobody')
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('The connection works.')).toBeVisible()
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('row', { name: /Azure of the group.*Microsoft Azure/ })).toBeVisible()
  await page.getByRole('link', { name: 'Azure of the group' }).click()
  await expect(page.getByText('Stored. It is never shown again.')).toBeVisible()
  await expect(page.getByText('shown-to-nobody')).toHaveCount(0)
})
