import { breaches, expect, signIn, test } from '../app'
import { applyDocuments, slugged } from './steps'
import { Receiver, type Answer } from './receiver'

// A connector of one's own has a say in a sync before the sync is saved. The steps build on each other.

test.describe.configure({ mode: 'serial' })

const model = slugged('people')
const own = slugged('own')
const sync = `${model} to ${own}`

let connector: Receiver
let errors: unknown[] = []

/** What the connector says: it has one option, and takes no channel but #general. */
function rpc(text: string): Answer {
  const { id, method } = JSON.parse(text) as { id: string; method: string }
  const options = { schema: { properties: { channel: { type: 'string', title: 'Channel' } } } }
  const results: Record<string, unknown> = { list_options: { options }, validate: { errors } }
  const result = results[method]
  return { status: 200, body: result === undefined ? { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } } : { jsonrpc: '2.0', id, result } }
}

test.beforeAll(async () => {
  connector = await Receiver.start()
  connector.answer = ({ body }) => rpc(body)
})
test.afterAll(() => connector.stop())
test.beforeEach(({ page }) => signIn(page))

// Req: FLD-03
test('what the connector refuses stands at the field that it names, and the sync is saved once it is right', async ({ page }) => {
  await applyDocuments(page, [
    { kind: 'source', metadata: { slug: slugged('shop'), name: slugged('shop') }, spec: { type: 'sample-b2c', configuration: {} } },
    { kind: 'model', metadata: { slug: model, name: model }, spec: { source: slugged('shop'), method: 'sql', sql: 'SELECT 1 AS id', primaryKey: 'id', columns: [{ name: 'id', type: 'number' }] } },
    { kind: 'destination', metadata: { slug: own, name: own }, spec: { type: 'custom', configuration: { url: connector.url } } },
  ])
  errors = [{ field: 'channel', message: 'there is no channel #nowhere' }, 'an organization is missing']
  await page.goto(`/syncs/new?model=${model}&destination=${own}`)
  const channel = page.getByRole('textbox', { name: 'Channel' })
  await channel.fill('#nowhere')
  await page.getByRole('switch', { name: 'Every column under its own name' }).check()
  await page.getByRole('button', { name: 'Continue' }).click()
  await expect(channel).toHaveAccessibleDescription(/there is no channel #nowhere/)
  await expect(page.getByText('an organization is missing')).toBeVisible()
  expect(await breaches(page)).toEqual([])
  errors = []
  await channel.fill('#general')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('button', { name: 'Finish', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: sync })).toBeVisible()
})

test('a sync is changed only to what the connector takes', async ({ page }) => {
  errors = [{ field: 'channel', message: 'the channel is archived' }]
  await page.goto('/syncs')
  await page.getByRole('link', { name: sync, exact: true }).click()
  await page.getByRole('tab', { name: 'Configuration' }).click()
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  const channel = page.getByRole('textbox', { name: 'Channel' })
  await channel.fill('#old')
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(channel).toHaveAccessibleDescription(/the channel is archived/)
  errors = []
})

test('a connector that does not answer keeps nobody from saving, and people are told', async ({ page }) => {
  await page.goto('/syncs')
  await page.getByRole('link', { name: sync, exact: true }).click()
  await page.getByRole('tab', { name: 'Configuration' }).click()
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await page.getByRole('textbox', { name: 'Channel' }).fill('#later')
  await connector.stop()
  await page.getByRole('button', { name: 'Save' }).click()
  const notice = page.getByRole('alert').filter({ hasText: 'Saved, but not checked' })
  await expect(notice).toContainText('The destination could not be asked about the sync')
  await expect(notice).toContainText('connection refused')
  await expect(page.getByRole('button', { name: 'Edit', exact: true })).toBeVisible()
})
