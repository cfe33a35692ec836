import type { Page } from '@playwright/test'
import { breaches, choose, enter, expect, recolour, test } from '../app'

test.beforeEach(async ({ page, request }) => {
  await request.get('/mock/reset')
  await enter(page)
})

const connect = async (page: Page, slug: string, type: string) => {
  const { csrfToken } = (await (await page.request.get('/api/session')).json()) as { csrfToken: string }
  const spec = { type, configuration: {} }
  const answer = await page.request.post('/api/sources', { data: { metadata: { name: slug, slug }, spec }, headers: { 'X-CSRF-Token': csrfToken } })
  expect(answer.ok(), await answer.text()).toBe(true)
}

// Req: S-78
test('a model reads a file, which is chosen by its path or as the newest with a prefix', async ({ page }) => {
  await connect(page, 'lake', 's3')
  await page.goto('/models/new?source=lake')
  const path = page.getByRole('textbox', { name: 'Path' })
  await path.fill('exports/')
  const files = page.getByRole('list', { name: 'Files' })
  await expect(files.getByRole('button')).toHaveCount(2)
  await files.getByRole('button', { name: /people-2/ }).click()
  await expect(path).toHaveValue('exports/people-2.csv')
  expect(await breaches(page)).toEqual([])
  await recolour(page, 'dark')
  expect(await breaches(page)).toEqual([])
  await page.getByRole('checkbox', { name: 'Use last modified' }).check()
  await page.getByRole('textbox', { name: 'Prefix' }).fill('exports/people-')
  await expect(files.getByRole('button')).toHaveCount(2)
  await page.getByRole('button', { name: 'Preview' }).click()
  await expect(page.getByRole('button', { name: 'Continue' })).toBeEnabled()
})

// Req: S-83, S-84
test('a model reads a sheet of a workbook', async ({ page }) => {
  await connect(page, 'drive', 'excel')
  await page.goto('/models/new?source=drive')
  await expect(page.getByRole('combobox', { name: 'Sheet' })).toBeDisabled()
  await choose(page, 'Workbook', /People.xlsx/)
  await choose(page, 'Sheet', 'Customers')
  expect(await breaches(page)).toEqual([])
  await page.getByRole('button', { name: 'Preview' }).click()
  await expect(page.getByRole('button', { name: 'Continue' })).toBeEnabled()
})
