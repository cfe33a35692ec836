import { expect, type Page } from '@playwright/test'

const stamp = Date.now().toString(36)

/** A name that no earlier run of the tests has left on the server. */
export const named = (what: string): string => `${what} ${stamp}`

/** A slug that no earlier run of the tests has left on the server. */
export const slugged = (what: string): string => `${what}-${stamp}`

/** Makes documents by the API, as the person who is signed in. */
export async function applyDocuments(page: Page, documents: object[]): Promise<void> {
  const session = (await (await page.request.get('/api/session')).json()) as { csrfToken: string }
  const answer = await page.request.post('/api/apply', { data: { documents }, headers: { 'X-CSRF-Token': session.csrfToken } })
  expect(answer.status(), await answer.text()).toBe(200)
}

/** Adds the sample source of the online shop. */
export async function addSource(page: Page, name: string): Promise<void> {
  await page.goto('/sources')
  await page.getByRole('link', { name: 'Add source' }).first().click()
  await page.getByRole('button', { name: /B2C/ }).click()
  await page.getByLabel('Name').fill(name)
  await page.getByRole('button', { name: 'Finish' }).click()
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible()
}

/** Adds a model by the first sample query of a source. The first query makes the sample's data, which takes a while. */
export async function addModel(page: Page, source: string, name: string): Promise<void> {
  await page.goto('/sources')
  await page.getByRole('link', { name: source, exact: true }).click()
  await page.getByRole('link', { name: 'Add model' }).first().click()
  await page.getByRole('button', { name: 'Abandoned cart retargeting ads' }).click()
  await page.getByRole('button', { name: 'Preview', exact: true }).click()
  await expect(page.getByRole('table', { name: 'Preview rows' })).toBeVisible({ timeout: 45_000 })
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByLabel('Name').fill(name)
  await page.getByRole('button', { name: 'Finish' }).click()
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible()
}

/** Writes into the SQL editor in the place of what is there. */
export async function write(page: Page, sql: string): Promise<void> {
  await page.getByRole('textbox', { name: 'SQL query' }).click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.press('Delete')
  await page.keyboard.insertText(sql)
}

async function preview(page: Page, sql: string): Promise<void> {
  await write(page, sql)
  await page.getByRole('button', { name: 'Preview', exact: true }).click()
  await expect(page.getByRole('table', { name: 'Preview rows' })).toBeVisible({ timeout: 45_000 })
}

interface SqlModel {
  source: string
  name: string
  sql: string
  key: string
}

/** Adds a model by a query of one's own. */
export async function addSqlModel(page: Page, { source, name, sql, key }: SqlModel): Promise<void> {
  await page.goto('/sources')
  await page.getByRole('link', { name: source, exact: true }).click()
  await page.getByRole('link', { name: 'Add model' }).first().click()
  await preview(page, sql)
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill(name)
  await expect(page.getByRole('combobox', { name: 'Primary key' })).toHaveValue(key)
  await page.getByRole('button', { name: 'Finish' }).click()
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible()
}

/** Gives a model another query. */
export async function editSql(page: Page, model: string, sql: string): Promise<void> {
  await page.goto('/models')
  await page.getByRole('link', { name: model, exact: true }).click()
  await page.getByRole('link', { name: 'Edit', exact: true }).click()
  await preview(page, sql)
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('The model is saved.')).toBeVisible()
}

/** Adds a local folder; before is what happens in its form first. */
export async function addDestination(page: Page, name: string, before?: () => Promise<void>): Promise<void> {
  await page.goto('/destinations')
  await page.getByRole('link', { name: 'Add destination' }).first().click()
  await page.getByRole('button', { name: /Local folder/ }).click()
  await before?.()
  await page.getByLabel('Folder').fill(`e2e-${stamp}`)
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('The connection works.')).toBeVisible()
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByLabel('Name').fill(name)
  await page.getByRole('button', { name: 'Finish' }).click()
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible()
}

interface NewSync {
  model: string
  destination: string
  name: string
  file: string
}

/** Adds a sync that writes the changes of a model to files, and runs it. */
export async function addSync(page: Page, { model, destination, name, file }: NewSync): Promise<void> {
  await page.goto('/syncs')
  await page.getByRole('link', { name: 'Add sync' }).first().click()
  await page.getByRole('button', { name: new RegExp(`^${model}`) }).click()
  await page.getByRole('button', { name: new RegExp(`^${destination}`) }).click()
  await page.getByLabel('Insert').check()
  await page.getByRole('textbox', { name: 'File name' }).fill(file)
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill(name)
  await page.getByRole('button', { name: 'Finish and run' }).click()
}

/** Waits on a run's page until the run has ended as it should. */
export async function waitForEnd(page: Page, label: string): Promise<void> {
  await expect(page.getByRole('heading', { level: 1, name: /^Run \d+$/ })).toBeVisible()
  await expect(page.getByRole('main').getByText(label, { exact: true }).first()).toBeVisible({ timeout: 45_000 })
}
