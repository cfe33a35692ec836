import { breaches, choose, expect, signIn, test } from '../app'
import { addSource, addSqlModel, editSql, named, waitForEnd } from './steps'
import { Receiver } from './receiver'

// Rows become requests to an API of somebody else, over a real server. The steps build on each other.

test.describe.configure({ mode: 'serial' })

const shop = named('HTTP shop')
const people = named('People')
const api = named('People API')
const sync = named('People to API')
const rows = (...names: string[]) =>
  `SELECT * FROM (VALUES ${names.map((name, i) => `('${i + 1}', '${name}')`).join(', ')}) AS p (id, name)`

let receiver: Receiver

test.beforeAll(async () => {
  receiver = await Receiver.start()
})
test.afterAll(() => receiver.stop())
test.beforeEach(({ page }) => signIn(page))

// Req: S-03
test('an address where nothing answers is told in plain words, and tested again once it is right', async ({ page }) => {
  await page.goto('/destinations/new?type=http-request')
  await page.getByLabel('Base URL').fill('http://127.0.0.1:1')
  await page.getByRole('button', { name: 'Add header' }).click()
  await page.getByLabel('Name', { exact: true }).fill('Authorization')
  await page.getByLabel('Secret').check()
  await page.getByRole('textbox', { name: 'Value' }).fill('Bearer s3same')
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByRole('alert')).toContainText('connection refused')
  await expect(page.getByRole('button', { name: 'Continue' })).toBeDisabled()
  await page.getByRole('button', { name: 'Test again' }).click()
  await expect(page.getByRole('alert')).toContainText('connection refused')
  await page.getByLabel('Base URL').fill(receiver.url)
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('The connection works.')).toBeVisible()
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill(api)
  await page.getByRole('button', { name: 'Finish' }).click()
  await expect(page.getByRole('heading', { level: 1, name: api })).toBeVisible()
  await expect(page.getByText('s3same')).toHaveCount(0)
  await page.goto(`/destinations?search=${encodeURIComponent(api)}&type=http-request`)
  await expect(page.getByRole('table', { name: 'Destinations' }).getByText('Connected')).toBeVisible()
})

// Req: SY-09, SY-24
test('requests are configured for each operation, by templates and by the mapping', async ({ page }) => {
  await addSource(page, shop)
  await addSqlModel(page, { source: shop, name: people, sql: rows('Ada', 'Bob', 'Cyd'), key: 'id' })
  await page.goto('/syncs/new')
  await page.getByRole('button', { name: new RegExp(`^${people}`) }).click()
  await page.getByRole('button', { name: api }).click()
  const added = page.getByRole('group', { name: 'Rows added' })
  await added.getByLabel('Send requests').check()
  await added.getByLabel('Path').fill('/people')
  await choose(page, 'Body', 'JSON from a template')
  await added.getByRole('textbox', { name: 'JSON' }).fill('{"id": "{{ row.id }}", "name": "{{ row.name | upcase }}"}')
  const changed = page.getByRole('group', { name: 'Rows changed' })
  await changed.getByLabel('Send requests').check()
  await changed.getByLabel('Path').fill('/people/{{ row.id }}')
  const removed = page.getByRole('group', { name: 'Rows removed' })
  await removed.getByLabel('Send requests').check()
  await removed.getByLabel('Path').fill('/people/{{ row.id }}')
  expect(await breaches(page)).toEqual([])
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('textbox', { name: 'Name' }).fill(sync)
  receiver.answer = ({ body }) =>
    body.includes('BOB') ? { status: 422, body: { error: 'The address is on the suppression list' } } : { status: 201, body: { ok: true } }
  await page.getByRole('button', { name: 'Finish and run' }).click()
  await waitForEnd(page, 'Completed with errors')
  const first = receiver.received.find(({ body }) => body.includes('ADA'))
  expect(first).toMatchObject({ method: 'POST', path: '/people', authorization: 'Bearer s3same' })
  expect(receiver.take()).toEqual(['POST /people', 'POST /people', 'POST /people'])
})

// Req: SY-71, SY-72, SY-73, SY-74
test('a refused row shows its reason, its request and the answer, and is exported', async ({ page, request }) => {
  await page.goto('/syncs')
  await page.getByRole('link', { name: sync, exact: true }).click()
  await page.getByRole('table', { name: 'Runs' }).getByRole('row').nth(1).getByRole('link').click()
  await expect(page.getByRole('tab', { name: 'Successful 2' })).toBeVisible()
  await page.getByRole('tab', { name: 'Rejected 1' }).click()
  await expect(page.getByRole('table', { name: 'Rejected rows' })).toContainText('suppression list')
  await page.getByRole('button', { name: '2', exact: true }).click()
  const drawer = page.getByRole('dialog')
  await expect(drawer.getByRole('alert')).toContainText('422')
  await expect(drawer.getByRole('table').getByRole('rowheader')).toHaveText(['id', 'name'])
  await expect(drawer.getByLabel('Request body')).toContainText('"BOB"')
  await expect(drawer.getByLabel('Response body')).toContainText('The address is on the suppression list')
  await expect(drawer.getByLabel('Response headers')).toContainText('t-77')
  await expect(drawer.getByText('s3same')).toHaveCount(0)
  expect(await breaches(page)).toEqual([])
  await page.reload()
  await expect(page.getByRole('dialog').getByLabel('Request body')).toContainText('"BOB"')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Export' }).click()
  const address = await page.getByRole('menuitem', { name: 'Rejected rows as CSV' }).getAttribute('href')
  const cookies = await page.context().cookies()
  const csv = await request.get(address ?? '', { headers: { Cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; ') } })
  expect((await csv.text()).trim().split('\n')).toEqual(['primary_key,operation,status,error,id,name', expect.stringMatching(/^2,added,failed,.*suppression list.*,2,Bob$/)])
})

// Req: SY-39, SY-76
test('the next run sends only the difference, and the refused row again', async ({ page }) => {
  await editSql(page, people, rows('Ada', 'Bob', 'Cydney'))
  receiver.answer = () => ({ status: 200, body: { ok: true } })
  await page.goto('/syncs')
  await page.getByRole('link', { name: sync, exact: true }).click()
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await waitForEnd(page, 'Completed')
  expect(receiver.take()).toEqual(['POST /people', 'PUT /people/3'])
  await expect(page.getByRole('tab', { name: 'Rejected 0' })).toBeVisible()
  await editSql(page, people, rows('Ada', 'Bob'))
  await page.goto('/syncs')
  await page.getByRole('link', { name: sync, exact: true }).click()
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await waitForEnd(page, 'Completed')
  expect(receiver.take()).toEqual(['DELETE /people/3'])
})

// Req: SY-05
test('a run under way is cancelled: what was sent counts, the rest does not leave', async ({ page }) => {
  await editSql(page, people, "SELECT 'n' || i AS id, 'Somebody' AS name FROM range(20000) AS r (i)")
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  receiver.answer = async () => {
    await held
    return { status: 200, body: { ok: true } }
  }
  await page.goto('/syncs')
  await page.getByRole('link', { name: sync, exact: true }).click()
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: /^Run \d+$/ })).toBeVisible()
  await expect(page.getByRole('main').getByText('Processing', { exact: true }).first()).toBeVisible({ timeout: 45_000 })
  await expect.poll(() => receiver.received.length).toBeGreaterThan(0)
  await page.getByRole('button', { name: 'Cancel run' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel run' }).click()
  await expect(page.getByText('The run stops after the batches that are on their way.')).toBeVisible()
  release()
  await waitForEnd(page, 'Cancelled by user')
  expect(receiver.take().length).toBeLessThan(20_000)
  await expect(page.getByRole('tab', { name: 'Rejected 0' })).toHaveCount(0)
})

// Req: S-03
test('a connection that stopped working is told in the list', async ({ page }) => {
  await receiver.stop()
  await page.goto('/destinations')
  await page.getByRole('link', { name: api, exact: true }).click()
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByRole('alert')).toContainText('connection refused')
  await page.goto(`/destinations?search=${encodeURIComponent(api)}`)
  await expect(page.getByRole('table', { name: 'Destinations' }).getByText('Failing')).toBeVisible()
})
