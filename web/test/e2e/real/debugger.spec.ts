import { expect, signIn, test } from '../app'
import { Receiver } from './receiver'
import { applyDocuments, named, slugged, waitForEnd } from './steps'

// Finding out why a row does not arrive, over a real server and an API that refuses. The steps build on each other.

test.describe.configure({ mode: 'serial' })

const source = slugged('debug-shop')
const model = slugged('debug-people')
const destination = slugged('debug-api')
const sync = slugged('debug-sync')
const name = named('Debug people to API')

let receiver: Receiver

test.beforeAll(async () => {
  receiver = await Receiver.start()
})
test.afterAll(() => receiver.stop())
test.beforeEach(({ page }) => signIn(page))

const sql = (...people: string[]) => `SELECT * FROM (VALUES ${people.map((p, i) => `('${i + 1}', '${p}', DATE '2026-02-0${i + 1}')`).join(', ')}) AS p (id, name, born)`

const documents = (rows: string) => [
  { kind: 'source', metadata: { slug: source, name: source }, spec: { type: 'sample-b2c', configuration: {} } },
  { kind: 'model', metadata: { slug: model, name: model }, spec: { source, method: 'sql', sql: rows, primaryKey: 'id' } },
  { kind: 'destination', metadata: { slug: destination, name: destination }, spec: { type: 'http-request', configuration: { baseUrl: receiver.url, headers: [{ name: 'Authorization', value: 'Bearer s3same', secret: true }] } } },
  {
    kind: 'sync',
    metadata: { slug: sync, name },
    spec: {
      model, destination, type: 'request', mode: 'trigger', schedule: { type: 'manual' }, disabled: false,
      mappings: [{ to: 'id', from: 'id' }, { to: 'name', from: 'name' }, { to: 'born', from: 'born' }],
      settings: {
        added: { enabled: true, method: 'POST', url: '/people', body: 'mapped' },
        changed: { enabled: true, method: 'PUT', url: '/people/{{ row.id }}', body: 'mapped' },
      },
    },
  },
]

const refusing = (word: string) => {
  receiver.answer = ({ body }) => (body.includes(word) ? { status: 422, body: { error: `no ${word} here`, trace: 't-77' } } : { status: 200, body: { ok: true } })
}

// Req: SY-11
test('a row is tested before the first run, with other values, and leaves no run', async ({ page }) => {
  await applyDocuments(page, documents(sql('Ada', 'Bob', 'Cyd')))
  refusing('Bob')
  await page.goto(`/syncs/${sync}?tab=configuration`)
  await page.getByRole('button', { name: 'Test a row' }).click()
  const drawer = page.getByRole('dialog', { name: 'Test a row' })
  await drawer.getByRole('button', { name: '2', exact: true }).click({ timeout: 90_000 }) // the sample makes its data first
  await drawer.getByRole('button', { name: 'Send row' }).click()
  const result = drawer.getByRole('region', { name: 'Result' })
  await expect(result.getByText('Rejected', { exact: true })).toBeVisible()
  await expect(result.getByRole('alert')).toContainText('no Bob here')
  await expect(result.getByLabel('Request body')).toContainText('"born": "2026-02-02"')
  await expect(drawer.getByText('s3same')).toHaveCount(0)
  await drawer.getByRole('button', { name: 'Change name' }).click()
  await drawer.getByRole('textbox', { name: 'Value of name' }).fill('Bert')
  await drawer.getByRole('button', { name: 'Keep the value of name' }).click()
  await drawer.getByText('Changed', { exact: true }).click()
  await drawer.getByRole('button', { name: 'Send row' }).click()
  await expect(result.getByText('Successful', { exact: true })).toBeVisible()
  await drawer.getByText('Removed', { exact: true }).click()
  await drawer.getByRole('button', { name: 'Send row' }).click()
  await expect(drawer.getByRole('alert').last()).toContainText('does nothing for rows that were removed')
  expect(receiver.take()).toEqual(['POST /people', 'PUT /people/2'])
  await page.goto(`/syncs/${sync}`)
  await expect(page.getByText('This sync has not run yet')).toBeVisible()
  await page.goto(`/syncs/${sync}?tab=activity`)
  await expect(page.getByRole('table', { name: 'Activity' })).toContainText('a row as changed: succeeded')
})

// Req: SY-71, SY-72, SY-74, SY-75
test('a run adds up, and its rejected row leads to its request, its neighbours and its test', async ({ page }) => {
  await page.goto(`/syncs/${sync}`)
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await waitForEnd(page, 'Completed with errors')
  expect(receiver.take()).toEqual(['POST /people', 'POST /people', 'POST /people'])
  await expect(page.getByText('Rows queried: 3 new')).toBeVisible()
  await page.getByRole('tab', { name: 'Rejected 1' }).click()
  await page.getByRole('button', { name: '2', exact: true }).click()
  const row = page.getByRole('dialog', { name: 'Row and its batch' })
  await expect(row.getByRole('alert')).toContainText('t-77')
  await row.getByRole('button', { name: 'Enlarge the request' }).click()
  await page.getByRole('textbox', { name: 'Search in the request' }).fill('bob')
  await expect(page.getByText('1 place')).toBeVisible()
  await page.keyboard.press('Escape')
  await row.getByRole('link', { name: 'Test this row' }).click()
  await expect(page.getByRole('dialog', { name: 'Test a row' }).getByRole('heading', { name: 'Row 2' })).toBeVisible()
})

// Req: FLD-08, SY-77
test('the rejected row is sent again with the values of now, once it is retried', async ({ page }) => {
  await applyDocuments(page, documents(sql('Ada', 'Bobby', 'Cyd')).slice(1, 2))
  refusing('nobody')
  await page.goto(`/syncs/${sync}`)
  await page.getByRole('table', { name: 'Runs' }).getByRole('row').nth(1).getByRole('link').click()
  await page.getByRole('button', { name: 'Retry rejected rows' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).click()
  await waitForEnd(page, 'Completed')
  expect(receiver.received.map(({ body }) => JSON.parse(body) as unknown)).toEqual([{ id: '2', name: 'Bobby', born: '2026-02-02' }])
  receiver.take()
  await expect(page.getByRole('button', { name: 'Retry rejected rows' })).toHaveCount(0)
})

// Req: SY-10, SY-36
test('the configuration is edited as JSON, with the server’s refusals at their lines', async ({ page }) => {
  await page.goto(`/syncs/${sync}?tab=configuration`)
  await page.getByRole('button', { name: 'Edit as JSON' }).click()
  const editor = page.getByRole('textbox', { name: 'Configuration as JSON' })
  await editor.click()
  await page.keyboard.press('ControlOrMeta+a')
  const spec = { ...documents('')[3]?.spec, mode: 'upsert' }
  await page.keyboard.insertText(JSON.stringify(spec, null, 2))
  await page.getByRole('button', { name: 'Review changes' }).click()
  await expect(page.getByRole('alert')).toContainText(/Line 5: .*has no mode "upsert"/)
  await editor.click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.insertText(JSON.stringify({ fromId: 'id', mappings: [{ to: 'key', from: 'id' }], customMappings: [{ to: 'full_name', from: 'name' }] }))
  await page.getByRole('button', { name: 'Review changes' }).click()
  const dialog = page.getByRole('dialog', { name: 'Save these changes?' })
  await expect(dialog).toContainText('full_name')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('The sync is saved.')).toBeVisible()
  await expect(page.getByText('full_name')).toBeVisible()
})

// Req: SY-14
test('a reset of CDC sends nothing and says so', async ({ page }) => {
  await page.goto(`/syncs/${sync}`)
  await page.getByRole('button', { name: 'More actions' }).click()
  await page.getByRole('menuitem', { name: 'Reset CDC' }).click()
  await expect(page.getByRole('dialog')).toContainText('never reaches')
  await page.getByRole('dialog').getByRole('button', { name: 'Reset CDC and run' }).click()
  await waitForEnd(page, 'Completed')
  await expect(page.getByText('CDC was reset: nothing is sent')).toBeVisible()
  expect(receiver.take()).toEqual([])
})

// Req: SY-08, SY-37, SY-72
test('a column that the model has lost is named; the error of the run is shown in the list', async ({ page }) => {
  await applyDocuments(page, documents("SELECT '1' AS id, 'Ada' AS nick").slice(1, 2))
  await page.goto(`/syncs/${sync}`)
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await waitForEnd(page, 'Aborted due to fatal error')
  await page.goto(`/syncs/${sync}`)
  await page.getByRole('table', { name: 'Runs' }).getByRole('button', { name: 'View error' }).click()
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('Unknown field name')
  expect(receiver.take()).toEqual([])
})
