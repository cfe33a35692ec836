import { breaches, expect, recolour, signIn, test } from '../app'

const field = (name: string, more: object = {}) => ({ name, type: 'string', native: 'text', required: false, match: false, ...more })

const fields = [
  field('customer_id', { match: true }),
  field('email', { label: 'Email', match: true }),
  field('native.first_name', { label: 'First name', section: 'Standard attributes' }),
  field('native.gender', { label: 'Gender', section: 'Standard attributes', options: [{ value: 'F', label: 'Female' }, { value: 'M', label: 'Male' }, { value: 'X', label: 'Another', help: 'As the person says' }] }),
  field('custom.tier', { label: 'Tier', section: 'Custom attributes', help: 'Gold or silver' }),
  field('custom.spent', { label: 'Spent', type: 'number', section: 'Custom attributes' }),
]

test.beforeEach(async ({ page, request }) => {
  await request.get('/mock/reset')
  await signIn(page)
  await page.route('**/api/destinations/crm-database/fields', (route) => route.fulfill({ json: { items: fields } }))
  await page.goto('/syncs/vip-customers-to-crm?tab=configuration')
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await page.getByRole('button', { name: 'Columns and free fields' }).click()
})

test('fields stand under the headings of the destination, which are folded, searched and filled by dragging', async ({ page }) => {
  const panel = page.getByRole('region', { name: 'Columns and free fields' })
  await panel.getByRole('listitem').filter({ hasText: 'first_name' }).first().dragTo(panel.getByRole('button', { name: 'Map First name' }))
  const standard = page.getByRole('group', { name: 'Standard attributes' })
  await expect(standard.getByRole('combobox', { name: 'Column' })).toHaveValue('first_name')
  await expect(standard.getByText('1 of 2 mapped')).toBeVisible()
  await expect(panel.getByRole('button', { name: 'Map First name' })).toHaveCount(0)

  await panel.getByRole('textbox', { name: 'Search columns and fields' }).fill('gold')
  await expect(panel.getByRole('button', { name: /^Map/ })).toHaveCount(1)
  await panel.getByRole('button', { name: 'Map Tier' }).click()
  const custom = page.getByRole('group', { name: 'Custom attributes' })
  await expect(custom.getByRole('combobox', { name: 'Destination field' })).toHaveValue('Tier')
  await panel.getByRole('textbox', { name: 'Search columns and fields' }).fill('')
  await panel.getByRole('listitem').filter({ hasText: 'city' }).first().dragTo(custom.getByRole('group', { name: /^Mapping/ }))
  await expect(custom.getByRole('combobox', { name: 'Column' })).toHaveValue('city')

  for (const scheme of ['light', 'dark'] as const) {
    await recolour(page, scheme)
    expect(await breaches(page)).toEqual([])
  }
  await page.getByRole('button', { name: 'Custom attributes' }).click()
  await expect(custom.getByRole('combobox')).toHaveCount(0)

  await page.getByRole('button', { name: 'Add mapping' }).click()
  await page.getByRole('combobox', { name: 'Destination field' }).last().click()
  await expect(page.getByRole('listbox').getByText('Custom attributes')).toBeVisible()
  await expect(page.getByRole('option', { name: /Spent/ })).toBeVisible()
})

test('a field with fixed values offers them, and their values are what is saved', async ({ page }) => {
  await page.getByRole('button', { name: 'Map Gender' }).click()
  const row = page.getByRole('group', { name: 'Standard attributes' }).getByRole('group', { name: /^Mapping/ })
  await row.getByRole('combobox', { name: 'Filled with' }).click()
  await page.getByRole('option', { name: 'Static value' }).click()
  await row.getByRole('combobox', { name: 'Value' }).click()
  await page.getByRole('option', { name: /Another As the person says/ }).click()
  await expect(row.getByRole('combobox', { name: 'Value' })).toHaveValue('Another')
  const saved = page.waitForRequest((request) => request.method() === 'PUT' && request.url().endsWith('/api/syncs/vip-customers-to-crm'))
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click()
  const { spec } = (await saved).postDataJSON() as { spec: { mappings: unknown[] } }
  expect(spec.mappings).toContainEqual({ to: 'native.gender', kind: 'static', value: 'X' })
})

test('many mappings are searched', async ({ page }) => {
  await expect(page.getByRole('textbox', { name: 'Search mappings' })).toHaveCount(0)
  for (const name of ['First name', 'Gender', 'Tier', 'Spent']) await page.getByRole('button', { name: `Map ${name}` }).click()
  await page.getByRole('button', { name: 'Add mapping' }).click()
  await page.getByRole('textbox', { name: 'Search mappings' }).fill('custom spent')
  await expect(page.getByRole('combobox', { name: 'Destination field' })).toHaveCount(1)
  await expect(page.getByRole('combobox', { name: 'Destination field' })).toHaveValue('Spent')
})
