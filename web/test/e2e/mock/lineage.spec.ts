import type { Page } from '@playwright/test'
import { enter, expect, test } from '../app'

test.beforeEach(async ({ page, request }) => {
  await request.get('/mock/reset')
  await enter(page)
})

const graph = (page: Page) => page.getByRole('group', { name: 'Lineage graph' })
const node = (page: Page, name: string | RegExp) => graph(page).getByRole('link', { name })
const left = async (page: Page, name: string) => (await node(page, name).boundingBox())?.x ?? NaN

test('the graph leads from sources to destinations, shows states, and opens what is clicked', async ({ page }) => {
  await page.goto('/')
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Lineage' }).click()
  await expect(node(page, 'Sync Abandoned carts to contacts API, Failed')).toBeVisible()
  const order = ['Source B2C eCommerce', 'Model Abandoned carts', 'Sequence Customers before their carts, Completed with errors', 'Sync Abandoned carts to exports, Healthy', 'Destination Exports folder']
  const places = await Promise.all(order.map((name) => left(page, name)))
  expect([...places].sort((a, b) => a - b)).toEqual(places)

  await node(page, 'Model VIP customers').hover()
  await expect(node(page, 'Source B2C eCommerce')).toHaveClass(/dim/)
  await expect(node(page, 'Destination CRM database')).not.toHaveClass(/dim/)

  await node(page, 'Sync Abandoned carts to contacts API, Failed').click()
  await expect(page).toHaveURL(/\/syncs\/abandoned-carts-to-contacts-api$/)
  await page.goBack()
  await expect(node(page, 'Source B2C eCommerce')).toBeVisible()
})

test('the graph is moved by dragging and by the wheel, and made larger around the pointer', async ({ page }) => {
  await page.goto('/lineage')
  const model = 'Model VIP customers'
  await expect(node(page, model)).toBeVisible()
  const from = (await node(page, model).boundingBox())!
  await page.mouse.move(from.x + 20, from.y + 20)
  await page.mouse.down()
  await page.mouse.move(from.x + 120, from.y + 70, { steps: 4 })
  await page.mouse.up()
  const dragged = (await node(page, model).boundingBox())!
  expect(Math.round(dragged.x - from.x)).toBe(100)
  expect(Math.round(dragged.y - from.y)).toBe(50)
  await expect(page).toHaveURL(/\/lineage$/)

  await page.mouse.move(dragged.x, dragged.y)
  await page.keyboard.down('Control')
  await page.mouse.wheel(0, 120)
  await page.keyboard.up('Control')
  await expect.poll(async () => (await node(page, model).boundingBox())?.width).toBeLessThan(from.width * 0.75)
  const small = (await node(page, model).boundingBox())!
  expect(Math.abs(small.x - dragged.x)).toBeLessThan(2)

  await page.getByRole('button', { name: 'Show all' }).click()
  const shown = (await node(page, model).boundingBox())!
  await page.getByRole('button', { name: 'Zoom in' }).click()
  expect((await node(page, model).boundingBox())!.width).toBeGreaterThan(shown.width)
})

test('the keyboard walks along the lines and opens a document', async ({ page }) => {
  await page.goto('/lineage')
  await node(page, 'Source B2C eCommerce').focus()
  await page.keyboard.press('ArrowRight')
  await expect(node(page, 'Model Abandoned carts')).toBeFocused()
  await page.keyboard.press('ArrowRight')
  await expect(page.locator(':focus')).toHaveAccessibleName(/^Sync Abandoned carts to/)
  await page.keyboard.press('ArrowRight')
  await expect(page.locator(':focus')).toHaveAccessibleName(/^Destination/)
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowDown')
  await expect(page.locator(':focus')).toHaveAccessibleName('Destination CRM database')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1, name: 'CRM database' })).toBeVisible()
})

test('a search and a look for trouble leave what has to do with it, and stay in the address', async ({ page }) => {
  await page.goto('/lineage')
  await page.getByRole('textbox', { name: 'Search the lineage' }).fill('vip crm')
  await expect(page.getByText('1 found, with all that they come from and go to')).toBeVisible()
  await expect(node(page, /^Sync/)).toHaveCount(1)
  await expect(node(page, 'Source Production warehouse')).toBeVisible()
  await page.getByRole('textbox', { name: 'Search the lineage' }).fill('')
  await page.getByRole('switch', { name: 'Only trouble' }).click()
  await expect(node(page, 'Sync Abandoned carts to contacts API, Failed')).toBeVisible()
  await expect(node(page, 'Model Abandoned carts')).toBeVisible()
  await page.getByText('List', { exact: true }).click()
  await expect(page.getByRole('table', { name: 'Lineage' })).toBeVisible()
  await page.reload()
  await expect(page.getByRole('switch', { name: 'Only trouble' })).toBeChecked()
  const row = page.getByRole('table', { name: 'Lineage' }).getByRole('row', { name: /^Abandoned carts to contacts API/ })
  await expect(row).toContainText('Failed')
  await expect(row.getByRole('link', { name: 'Abandoned carts', exact: true })).toHaveAttribute('href', '/models/abandoned-carts')
  await row.getByRole('link', { name: 'Contacts API', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Contacts API' })).toBeVisible()
})

for (const [path, own, there, gone] of [
  ['/sources/b2c-ecommerce', 'Source B2C eCommerce', /^Destination Contacts API/, 'Model VIP customers'],
  ['/models/vip-customers', 'Model VIP customers', /^Sequence Customers before their carts/, 'Model Abandoned carts'],
  ['/syncs/vip-customers-to-crm', 'Sync VIP customers to CRM, Healthy', /^Source Production warehouse/, /^Sync Abandoned carts to exports/],
  ['/destinations/contacts-api', 'Destination Contacts API', /^Source B2C eCommerce/, /^Destination CRM/],
  ['/sequences/exports-then-the-api', 'Sequence Exports, then the API, Failed', /^Model VIP customers/, /^Model Customers of all/],
] as const) {
  test(`the page ${path} shows what hangs on it`, async ({ page }) => {
    await page.goto(path)
    await page.getByRole('tab', { name: 'Lineage' }).click()
    await expect(node(page, own)).toHaveAttribute('aria-current', 'true')
    await expect(node(page, own)).toBeInViewport({ ratio: 0.9 })
    await expect(node(page, there)).toBeVisible()
    await expect(node(page, gone)).toHaveCount(0)
    await page.getByText('List', { exact: true }).click()
    await page.reload()
    await expect(page.getByRole('table', { name: 'Lineage' })).toBeVisible()
  })
}

test('thousands of documents are drawn where they are seen, and each is reached', async ({ page }) => {
  await page.route('**/api/lineage', (route) => {
    const nodes = []
    const edges = []
    for (let i = 0; i < 3000; i++) {
      nodes.push({ id: `model/m${i}`, kind: 'model', slug: `m${i}`, name: `Model ${i}` }, { id: `sync/s${i}`, kind: 'sync', slug: `s${i}`, name: `Sync ${i}`, state: 'healthy', label: 'Healthy' })
      edges.push({ from: `model/m${i}`, to: `sync/s${i}` })
    }
    return route.fulfill({ json: { nodes, edges } })
  })
  await page.goto('/lineage')
  await expect(node(page, /^Model/).first()).toBeVisible()
  expect(await node(page, /./).count()).toBeLessThan(120)
  await node(page, /^Model/).first().focus()
  await page.keyboard.press('End')
  await expect(page.locator(':focus')).toHaveAccessibleName(/^Model Model \d+$/)
  await page.keyboard.press('ArrowRight')
  await expect(page.locator(':focus')).toHaveAccessibleName(/^Sync Sync \d+, Healthy$/)
  await expect(page.locator(':focus')).toBeInViewport()
  await page.getByText('List', { exact: true }).click()
  await expect(page.getByRole('table', { name: 'Lineage' }).getByRole('row')).toHaveCount(201)
  await page.getByRole('button', { name: /more/ }).click()
  await expect(page.getByRole('table', { name: 'Lineage' }).getByRole('row')).toHaveCount(401)
})

test('an empty workspace says what is drawn here', async ({ page, request }) => {
  await request.get('/mock/reset?empty')
  await page.goto('/lineage')
  await expect(page.getByRole('heading', { name: 'Nothing flows yet' })).toBeVisible()
})
