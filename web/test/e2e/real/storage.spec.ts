import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { breaches, expect, signIn, test } from '../app'
import { addFlow } from './flows'
import { slugged, waitForEnd } from './steps'

// A bucket of the workspace's own, over a real server and a store that speaks S3: it is described and tried, the
// workspace moves there and back, and a sync that has sent rows before asks what to do.

const root = fileURLToPath(new URL('../../../../', import.meta.url))
let store: ChildProcess
let address = ''

test.beforeAll(async () => {
  store = spawn('go', ['run', './test/services/cmd', 'serve', 's3'], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  address = await new Promise<string>((resolve, reject) => {
    store.stdout?.once('data', (line: Buffer) => resolve(line.toString().trim()))
    store.once('exit', () => reject(new Error('the store does not start')))
  })
})
test.afterAll(() => {
  if (store.pid !== undefined) process.kill(-store.pid) // go and what it started
})
test.beforeEach(({ page }) => signIn(page))

// Req
test('a workspace moves to a bucket of its own and back, and its syncs ask', async ({ page }) => {
  const [source, model, destination, sync, name] = [slugged('st'), slugged('st-model'), slugged('st-files'), slugged('st-sync'), slugged('st-lake')]
  await addFlow(page, { source, model, destination, syncs: [sync] })
  await page.goto(`/syncs/${sync}`)
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await waitForEnd(page, 'Completed')

  await page.goto('/settings/storage/new?type=s3')
  await page.getByRole('textbox', { name: 'Bucket name' }).fill('absent')
  await page.getByRole('textbox', { name: 'Access key ID' }).fill('AKIATEST')
  await page.getByLabel('Secret access key').fill('secret')
  await page.getByRole('button', { name: 'Advanced settings' }).click()
  await page.getByRole('textbox', { name: 'Endpoint', exact: true }).fill(address)
  await page.getByRole('checkbox', { name: 'Path-style addresses' }).check()
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByRole('alert')).toContainText('NoSuchBucket')
  await page.getByRole('textbox', { name: 'Bucket name' }).fill('lake')
  await page.getByRole('button', { name: 'Test connection' }).click()
  await expect(page.getByText('The connection works.')).toBeVisible()
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name)
  await page.getByRole('button', { name: 'Save' }).click()

  await page.getByRole('row', { name: new RegExp(name) }).getByRole('button', { name: 'Use it' }).click()
  await expect(page.getByRole('dialog')).toContainText('begin anew')
  await page.getByRole('dialog').getByRole('button', { name: 'Pause syncs and move' }).click()
  await expect(page.getByRole('row', { name: new RegExp(`${name}.*In use`) })).toBeVisible({ timeout: 90_000 })
  expect(await breaches(page)).toEqual([])

  await page.goto(`/syncs/${sync}`)
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await waitForEnd(page, 'Aborted due to fatal error')
  await expect(page.getByText('full resync').first()).toBeVisible()
  await page.goto('/settings/storage')
  await page.getByText(/Need an answer/).click()
  await page.getByRole('textbox', { name: 'Search syncs' }).fill(sync) // other tests have made syncs too
  await page.getByRole('row', { name: new RegExp(sync) }).getByRole('button', { name: 'Reset CDC' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Reset CDC' }).click()
  await expect(page.getByRole('row', { name: new RegExp(sync) })).toBeHidden({ timeout: 30_000 })
  await page.goto(`/syncs/${sync}`)
  await expect(page.getByText('Completed').first()).toBeVisible()

  await page.goto('/settings/storage')
  await page.getByRole('button', { name: 'Back to the server’s' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Pause syncs and move' }).click()
  await expect(page.getByRole('row', { name: new RegExp(name) }).getByRole('button', { name: 'Use it' })).toBeVisible({ timeout: 60_000 })
})
