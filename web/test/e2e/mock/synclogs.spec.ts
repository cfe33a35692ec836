import type { Page } from '@playwright/test'
import { breaches, expect, signIn, test } from '../app'

test.beforeEach(async ({ page, request }) => {
  await request.get('/mock/reset')
  await signIn(page)
})

/** Takes the warehouse to the Lightning engine, with another audit schema where one is given. */
async function upgrade(page: Page, schema?: string): Promise<void> {
  await page.goto('/sources/production-warehouse')
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await page.getByRole('radio', { name: 'Lightning' }).check()
  if (schema !== undefined) {
    await page.getByRole('button', { name: 'Advanced settings' }).click()
    await page.getByLabel('Audit schema').fill(schema)
  }
  await page.getByRole('button', { name: 'Test connection' }).click()
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await expect(page.getByText('The configuration is saved.')).toBeVisible()
}

const tables = (page: Page) => page.getByRole('region', { name: 'Tables' })

// Req: SY-53, SY-54, SY-59
test('a source chooses what is written of all of its syncs, and a sync what is written besides', async ({ page }) => {
  await page.goto('/sources/production-warehouse?tab=sync-logs')
  await expect(page.getByText('sync logs need the Lightning engine')).toBeVisible()
  await upgrade(page)
  await page.getByRole('tab', { name: 'Sync logs' }).click()
  const save = tables(page).getByRole('button', { name: 'Save' })
  await expect(save).toBeDisabled()
  await expect(tables(page)).toContainText('millrace_audit.sync_changelog')
  await expect(page.getByRole('region', { name: 'Last write' })).toContainText('Nothing yet')
  await tables(page).getByRole('checkbox', { name: 'Sync runs' }).check()
  await save.click()
  await expect(page.getByText('The sync logs are saved.')).toBeVisible()
  await page.reload()
  await expect(tables(page).getByRole('checkbox', { name: 'Sync runs' })).toBeChecked()
  await expect(page.getByRole('region', { name: 'Last write' })).toContainText(/Run \d+ of VIP customers to CRM/)
  expect(await breaches(page)).toEqual([])

  await page.goto('/syncs/vip-customers-to-crm?tab=sync-logs')
  const given = tables(page).getByRole('checkbox', { name: 'Sync runs' })
  await expect(given).toBeChecked()
  await expect(given).toBeDisabled()
  await tables(page).getByRole('checkbox', { name: 'Changelog' }).check()
  await tables(page).getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('The sync logs are saved.')).toBeVisible()
  await page.reload()
  await expect(tables(page).getByRole('checkbox', { name: 'Changelog' })).toBeChecked()
  await expect(tables(page).getByRole('checkbox', { name: 'Sync snapshots' })).not.toBeChecked()
  expect(await breaches(page)).toEqual([])

  const queries = page.getByRole('region', { name: 'Queries' })
  await expect(queries.getByLabel('Query', { exact: true })).toContainText('GROUP BY failure_reason')
  await queries.getByRole('combobox', { name: 'Ask the tables' }).click()
  await page.getByRole('option', { name: 'The rows that are in each model now' }).click()
  await expect(queries.getByLabel('Query', { exact: true })).toContainText('"millrace_audit"."sync_snapshot"')
  await expect(queries).toContainText('It reads: Sync snapshots and Sync runs.')
  await expect(queries.getByRole('button', { name: 'Copy the query' })).toBeVisible()
})

// Req: SY-53
test('a log that cannot be written tells why, what helps, and when it is tried again', async ({ page }) => {
  await upgrade(page, 'denied')
  await page.goto('/syncs/vip-customers-to-crm?tab=sync-logs')
  await tables(page).getByRole('checkbox', { name: 'Sync snapshots' }).check()
  await tables(page).getByRole('button', { name: 'Save' }).click()
  const standing = page.getByRole('region', { name: 'Last write' })
  await expect(standing).toContainText('1 run waits to be written.')
  await expect(standing.getByRole('alert')).toContainText('permission denied for schema denied')
  await expect(standing.getByRole('alert')).toContainText('it names the grant that is missing')
  await expect(standing).toContainText('It is given up 72 hours after its run.')
  await expect(standing).toContainText(/Next try in/)
  expect(await breaches(page)).toEqual([])
})
