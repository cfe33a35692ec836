import { breaches, expect, signIn, test } from '../app'
import { addFlow } from './flows'
import { slugged } from './steps'

// Syncs one after another, and where their rows come from and go to, over a real server. The tests build on each other.

test.describe.configure({ mode: 'serial' })
test.beforeEach(({ page }) => signIn(page))

const [source, model, folder, sequence] = [slugged('seq-shop'), slugged('seq-model'), slugged('seq-folder'), slugged('Everything in order')]
const [first, second, broken] = [slugged('seq-first'), slugged('seq-second'), slugged('seq-broken')]

// Req: SY-86, SY-87, SY-88
test('a sequence runs its syncs one after another', async ({ page }) => {
  await addFlow(page, { source, model, destination: folder, syncs: [first, second] })
  await page.goto('/sequences/new')
  await page.getByRole('textbox', { name: 'Name' }).fill(sequence)
  await page.getByRole('combobox', { name: 'Add syncs' }).click()
  for (const name of [second, first]) await page.getByRole('option', { name, exact: true }).click()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: `Move ${second} down` }).click()
  await page.getByRole('button', { name: 'Save and run' }).click()
  const rows = page.getByRole('table', { name: 'Steps' }).getByRole('row')
  await expect(rows.nth(1)).toContainText(first)
  await expect(rows.nth(1)).toContainText('Completed', { timeout: 60_000 })
  await expect(rows.nth(2)).toContainText(second)
  await expect(rows.nth(2)).toContainText('Completed', { timeout: 60_000 })
  expect(await breaches(page)).toEqual([])
  await rows.nth(2).getByRole('link', { name: /^Run/ }).click()
  await expect(page.getByText('Trigger: Sequence')).toBeVisible()
})

// Req: SY-87, SY-88
test('a step that fails ends the sequence, and the steps behind it are not reached', async ({ page }) => {
  await addFlow(page, { source, model: slugged('seq-broken-model'), destination: folder, syncs: [broken], sql: 'SELECT 1 AS id, 2 AS n FROM nowhere' })
  await page.goto('/sequences')
  await page.getByRole('link', { name: sequence, exact: true }).click()
  await page.getByRole('tab', { name: /^Steps/ }).click()
  await page.getByRole('button', { name: 'Edit' }).click()
  await page.getByRole('combobox', { name: 'Add syncs' }).click()
  await page.getByRole('option', { name: broken, exact: true }).click()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: `Move ${broken} up` }).click()
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  const rows = page.getByRole('table', { name: 'Steps' }).getByRole('row')
  await expect(rows.nth(2)).toContainText('Failed', { timeout: 60_000 })
  await expect(rows.nth(3)).toContainText('Not reached')
  await expect(page.getByText('The sequence ended early')).toBeVisible()
})

test('the lineage leads from the source through the sequence to the destination', async ({ page }) => {
  const graph = page.getByRole('group', { name: 'Lineage graph' })
  for (const [path, own] of [[`/sources/${source}`, `Source ${source}`], [`/syncs/${broken}`, `Sync ${broken}, Failed`], [`/destinations/${folder}`, `Destination ${folder}`]] as const) {
    await page.goto(`${path}?tab=lineage`)
    await expect(graph.getByRole('link', { name: own })).toHaveAttribute('aria-current', 'true')
    await expect(graph.getByRole('link', { name: new RegExp(`^Sequence ${sequence}, Failed`) })).toBeVisible()
    await expect(graph.getByRole('link', { name: `Destination ${folder}` })).toBeVisible()
  }
  expect(await breaches(page)).toEqual([])
  await page.goto(`/lineage?search=${broken}&view=list`)
  const row = page.getByRole('table', { name: 'Lineage' }).getByRole('row', { name: new RegExp(`^${broken} Sync`) })
  await expect(row).toContainText('Failed')
  await expect(row.getByRole('link', { name: folder })).toBeVisible()
  await expect(page.getByRole('table', { name: 'Lineage' }).getByRole('row', { name: new RegExp(`^${second} `) })).toHaveCount(0)
})
