import { breaches, choose, expect, signIn, test } from '../app'

test.beforeEach(async ({ page, request }) => {
  await request.get('/mock/reset')
  await signIn(page)
})

// Req: S-01, S-85
test('the catalogue goes from databases to files, and sample datasets stand last', async ({ page }) => {
  await page.goto('/sources/new')
  await expect(page.getByRole('heading', { level: 2 })).toHaveText(['Database', 'File', 'Sample datasets'])
  const samples = page.getByRole('group', { name: 'Sample datasets' }).getByRole('button')
  await expect(samples).toHaveText([/B2B SaaS.*Sample/, /B2C eCommerce.*Sample/])
  await expect(page.getByRole('group', { name: 'File' }).getByRole('button', { name: /Amazon S3/ })).toContainText('Unverified')
  await page.getByRole('textbox', { name: 'Search sources' }).fill('speak its protocol')
  await expect(page.getByRole('heading', { level: 2 })).toHaveText(['Database'])
  await page.getByRole('textbox', { name: 'Search sources' }).fill('sybase')
  await expect(page.getByText('Nothing is called “sybase”')).toBeVisible()
})

// Req: S-02, S-06, SY-47
test('the Lightning engine shows the SQL that it needs, with the names that were entered', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.goto('/sources/new?type=postgres')
  for (const [label, value] of [['Host', 'db.example.com'], ['Database', 'shop'], ['User', 'mira']] as const) await page.getByLabel(label).fill(value)
  await choose(page, 'TLS', /verified/)
  await expect(page.getByLabel('Certificate of the authority')).toBeVisible()
  await expect(page.getByRole('radio', { name: 'Basic' })).toBeChecked()
  await page.getByRole('radio', { name: 'Lightning' }).check()
  await page.getByRole('button', { name: 'Advanced settings' }).click()
  await page.getByLabel('Planner schema').fill('our_planner')
  const wanted = 'CREATE SCHEMA IF NOT EXISTS "our_planner";\nCREATE SCHEMA IF NOT EXISTS "millrace_audit";\nGRANT CREATE, USAGE ON SCHEMA "our_planner" TO "mira";\nGRANT CREATE, USAGE ON SCHEMA "millrace_audit" TO "mira";'
  await expect(page.getByLabel('Grants', { exact: true })).toHaveText(wanted)
  await page.getByRole('button', { name: 'Copy the grants' }).click()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(wanted)
  expect(await breaches(page)).toEqual([])
  await page.getByRole('button', { name: 'Test connection' }).click()
  await page.getByRole('button', { name: 'Continue' }).click()
  const sent = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/api/sources'))
  await page.getByRole('button', { name: 'Finish' }).click()
  expect((await sent).postDataJSON()).toMatchObject({ spec: { engine: 'lightning', configuration: { plannerSchema: 'our_planner', user: 'mira' } } })
})

// Req: S-04
test('tables are searched by their columns, and read anew on request', async ({ page }) => {
  await page.goto('/sources/production-warehouse?tab=tables')
  await expect(page.getByText(/^Read 10 minutes ago/)).toBeVisible()
  const names = page.getByRole('list', { name: 'Tables' }).getByRole('listitem')
  await expect(names).toHaveCount(5)
  await expect(names.filter({ hasText: 'vip_customers' }).getByRole('img', { name: 'View' })).toBeVisible()
  await page.getByRole('textbox', { name: 'Search tables and columns' }).fill('total_storage')
  await expect(names).toHaveCount(1)
  await expect(page.getByRole('list', { name: 'Columns of public.organizations' })).toContainText('segment')
  const asked = page.waitForRequest(/\/refresh$/)
  await page.getByRole('button', { name: 'Refresh' }).click()
  await asked
})

// Req: S-87
for (const [type, names] of [
  ['b2b', ['Product-led sales upsell opportunities', 'Lifecycle marketing to inactive admins', 'New Business Tier product introduction']],
  ['b2c', ['Abandoned cart retargeting ads', 'Seasonal Rebook campaign - Nano X2', 'Annual VIP celebration event in Florida']],
] as const) {
  test(`the sample queries of ${type} fill the editor`, async ({ page }) => {
    await page.goto(`/sources/new?type=sample-${type}`)
    await page.getByLabel('Name').fill(`Sample ${type}`)
    await page.getByRole('button', { name: 'Finish' }).click()
    await page.getByRole('link', { name: 'Add model' }).first().click()
    for (const name of names) await expect(page.getByRole('button', { name })).toBeVisible()
    await page.getByRole('button', { name: names[1] }).click()
    await expect(page.getByRole('textbox', { name: 'SQL query' })).toContainText('SELECT * FROM public.')
  })
}
