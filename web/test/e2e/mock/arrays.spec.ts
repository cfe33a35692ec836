import type { Page } from '@playwright/test'
import { breaches, choose, expect, signIn, test } from '../app'

/** A sync of a model whose column device_ids holds arrays, on an engine. */
async function arraySync(page: Page, engine: 'basic' | 'lightning'): Promise<void> {
  const { csrfToken } = (await (await page.request.get('/api/session')).json()) as { csrfToken: string }
  const make = async (kind: string, name: string, spec: object) => {
    const answer = await page.request.post(`/api/${kind}`, { data: { metadata: { name }, spec }, headers: { 'X-CSRF-Token': csrfToken } })
    expect(answer.ok(), await answer.text()).toBe(true)
  }
  await make('sources', 'Lake', { type: 'postgres', engine, configuration: { host: 'h', database: 'd', user: 'u', password: 'x' } })
  const columns = [
    { name: 'customer_id', type: 'string', native: 'text' },
    { name: 'email', type: 'string', native: 'text' },
    { name: 'device_ids', type: 'object', native: 'text[]' },
  ]
  await make('models', 'Devices', { source: 'lake', method: 'sql', sql: 'SELECT * FROM devices', primaryKey: 'customer_id', columns })
  await make('syncs', 'Devices to CRM', {
    model: 'devices',
    destination: 'crm-database',
    type: 'table',
    mode: 'upsert',
    delete: 'delete',
    settings: { table: 'public.contacts' },
    match: [{ from: 'customer_id', to: 'customer_id' }],
    mappings: [{ to: 'email', kind: 'column', from: 'email' }],
    schedule: { type: 'manual' },
    disabled: false,
  })
  await page.goto('/syncs/devices-to-crm?tab=configuration')
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
}

test.beforeEach(async ({ page, request }) => {
  await request.get('/mock/reset')
  await signIn(page)
})

// Req: SY-89
test('a column of arrays that rows are matched by is expanded, until another column is chosen', async ({ page }) => {
  await arraySync(page, 'lightning')
  const column = page.getByRole('combobox', { name: 'Match column' })
  const banner = page.getByText('Array expansion is on')
  await expect(banner).toHaveCount(0)
  await choose(page, 'Match column', 'device_ids')
  await expect(column).toHaveValue('_ht_device_ids_element')
  await expect(banner).toBeVisible()
  await expect(page.getByRole('button', { name: 'Match by another field as well' })).toHaveCount(0)
  expect(await breaches(page)).toEqual([])

  await page.getByRole('button', { name: 'Add mapping' }).click()
  const row = page.getByRole('group', { name: 'Mapping 2', exact: true })
  await row.getByRole('combobox', { name: 'Destination field' }).click()
  await page.getByRole('option', { name: /first_name/ }).click()
  await row.getByRole('combobox', { name: 'Filled with' }).click()
  await page.getByRole('option', { name: 'Template' }).click()
  await row.getByRole('textbox', { name: /Template for/ }).pressSequentially("{{ row['_ht_device_ids_element'] | upcase")
  await expect(row.getByRole('region', { name: 'Result' })).toContainText('"DEVICE-1"')

  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Edit', exact: true })).toBeVisible()
  await expect(banner).toBeVisible()
  const saved = (await (await page.request.get('/api/syncs/devices-to-crm')).json()) as { spec: Record<string, unknown> }
  expect(saved.spec).toMatchObject({ arrayExpansionSourceColumn: 'device_ids', match: [{ from: '_ht_device_ids_element', to: 'customer_id' }] })

  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await choose(page, 'Match column', 'customer_id')
  await expect(banner).toHaveCount(0)
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Edit', exact: true })).toBeVisible()
  const undone = (await (await page.request.get('/api/syncs/devices-to-crm')).json()) as { spec: Record<string, unknown> }
  expect(undone.spec['arrayExpansionSourceColumn']).toBeUndefined()
  expect(undone.spec['match']).toEqual([{ from: 'customer_id', to: 'customer_id' }])
})

// Req: SY-90
test('without the Lightning engine nothing is expanded, and a notice says why', async ({ page }) => {
  await arraySync(page, 'basic')
  await choose(page, 'Match column', 'device_ids')
  await expect(page.getByRole('combobox', { name: 'Match column' })).toHaveValue('device_ids')
  await expect(page.getByText('Arrays are not expanded here')).toBeVisible()
  await expect(page.getByText('Array expansion is on')).toHaveCount(0)
})
