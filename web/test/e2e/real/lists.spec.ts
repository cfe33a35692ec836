import { expect, signIn, test } from '../app'
import { applyDocuments, slugged } from './steps'

// Req: SY-02, FOL-01, FOL-02, FOL-05, FOL-06
test('a long list is scrolled, filtered, filed and changed over a real server', async ({ page }) => {
  await signIn(page)
  const [source, model, destination, sync, folder] = [slugged('list-shop'), slugged('list-people'), slugged('list-out'), slugged('list-sync'), slugged('Filed')]
  const spec = { model, destination, type: 'file', mode: 'diff', settings: { format: 'csv', filename: `${sync}.csv` }, allColumns: true, schedule: { type: 'manual' } }
  const number = (i: number) => String(i).padStart(3, '0')
  await applyDocuments(page, [
    { kind: 'source', metadata: { slug: source, name: source }, spec: { type: 'sample-b2c', configuration: {} } },
    { kind: 'model', metadata: { slug: model, name: model }, spec: { source, method: 'sql', sql: 'SELECT 1 AS id', primaryKey: 'id' } },
    { kind: 'destination', metadata: { slug: destination, name: destination }, spec: { type: 'local', configuration: { path: sync } } },
    ...Array.from({ length: 230 }, (_, i) => ({ kind: 'sync', metadata: { slug: `${sync}-${number(i)}`, name: `${sync} ${number(i)}`, labels: { half: i < 115 ? 'first' : 'second' } }, spec })),
  ])
  await page.goto(`/syncs?search=${sync}`)
  const table = page.getByRole('table', { name: 'Syncs' })
  await expect(table).toHaveAttribute('aria-rowcount', '231')
  await page.getByRole('region', { name: 'Syncs, scrolls' }).evaluate((element) => element.scrollTo(0, element.scrollHeight))
  await expect(table).toContainText(`${sync} 229`)
  await page.goto(`/syncs?search=${sync}&label=half:second`)
  await page.getByRole('checkbox', { name: 'Select all', exact: true }).click()
  await expect(page.getByText('115 selected')).toBeVisible()
  const act = async (name: string) => {
    await page.getByRole('button', { name: 'Actions', exact: true }).click()
    await page.getByRole('menuitem', { name, exact: true }).click()
  }
  await act('Move to folder')
  await page.getByRole('combobox', { name: 'Folder' }).fill(`${folder}/Deep`)
  await page.getByRole('button', { name: 'Create folder and move' }).click()
  await expect(page.getByText(`115 syncs moved to ${folder}/Deep.`)).toBeVisible()
  await act('Disable')
  await expect(page.getByText('115 syncs disabled.')).toBeVisible()
  await page.goto(`/models?folder=${folder}`)
  await expect(page.getByRole('table', { name: 'Models' })).toContainText(model)
  await page.goto(`/syncs?folder=${folder}&status=disabled`)
  await expect(page.getByText('115 syncs', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Save filters' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill(folder)
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('button', { name: folder, exact: true })).toBeVisible()
  await page.getByRole('checkbox', { name: 'Select all', exact: true }).click()
  await expect(page.getByText('115 selected')).toBeVisible()
  await act('Delete')
  await page.getByRole('button', { name: 'Delete 115 syncs' }).click()
  await expect(page.getByText('115 syncs deleted.')).toBeVisible()
  await expect(page.getByText('No syncs match')).toBeVisible()
  await page.goto(`/syncs?search=${sync}`) // other tests look for theirs in a short list
  await page.getByRole('checkbox', { name: 'Select all', exact: true }).click()
  await expect(page.getByText('115 selected')).toBeVisible()
  await act('Delete')
  await page.getByRole('button', { name: 'Delete 115 syncs' }).click()
  await expect(page.getByText('115 syncs deleted.')).toBeVisible()
})
