import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Locator } from '@playwright/test'
import { expect, signIn, test } from '../app'

// A server of the test's own, in which there is nothing yet: how far is it to the first rows that arrive?

const binary = fileURLToPath(new URL('../../../../bin/millrace', import.meta.url))
const account = { MILLRACE_ADMIN_EMAIL: process.env.MILLRACE_E2E_EMAIL ?? 'admin@example.com', MILLRACE_ADMIN_PASSWORD: process.env.MILLRACE_E2E_PASSWORD ?? 'millrace' }

test.skip(!existsSync(binary), 'bin/millrace is not built: it is the server with an empty workspace (make build)')

let server: ChildProcess
let address = ''
let home = ''

test.beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'millrace-empty-'))
  server = spawn(binary, ['serve', '--listen', '127.0.0.1:0'], { env: { ...process.env, ...account, MILLRACE_HOME: home }, stdio: ['ignore', 'pipe', 'inherit'] })
  address = await new Promise<string>((resolve, reject) => {
    let said = ''
    server.stdout?.on('data', (part: Buffer) => {
      said += part.toString()
      const found = /^Millrace is on (\S+)/m.exec(said)?.[1]
      if (found !== undefined) resolve(found)
    })
    server.once('exit', () => reject(new Error(`the server does not start: ${said}`)))
  })
})
test.afterAll(async () => {
  const gone = new Promise((resolve) => server.once('exit', resolve))
  server.kill()
  await gone
  rmSync(home, { recursive: true, force: true })
})

// Req: SY-16, S-85, S-87, ORG-06, M-13, SY-08
test('from an empty workspace to rows that arrived, by clicking', async ({ browser }) => {
  test.slow() // the first preview makes the sample's data
  const page = await browser.newPage({ baseURL: address, viewport: { width: 1280, height: 860 } })
  await signIn(page)
  const steps = { clicks: 0, fields: 0 }
  const began = Date.now()
  const click = async (what: Locator) => {
    steps.clicks++
    await what.click()
  }
  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' })
  const fill = async (label: string, text: string) => {
    steps.fields++
    await page.getByLabel(label).first().fill(text)
  }
  await expect(page.getByRole('region', { name: 'First steps' }).getByRole('img', { name: 'Done' })).toHaveCount(0)
  await click(page.getByRole('link', { name: 'Add source' }))
  await click(button(/B2C eCommerce/))
  await click(button('Finish'))

  await click(page.getByRole('main').getByRole('link', { name: 'Add model' }).first())
  await click(button('Abandoned cart retargeting ads'))
  await click(button('Preview'))
  await expect(page.getByRole('table', { name: 'Preview rows' })).toBeVisible({ timeout: 180_000 })
  await click(button('Continue'))
  await fill('Name', 'Abandoned carts')
  await click(button('Finish'))

  await click(page.getByRole('main').getByRole('link', { name: 'Add sync' }).first())
  await click(page.getByRole('link', { name: 'Add destination' }))
  await click(button(/Local folder/))
  await fill('Folder', 'exports')
  await click(button('Test connection'))
  await expect(page.getByText('The connection works.')).toBeVisible()
  await click(button('Continue'))
  await click(button('Finish'))

  await click(page.getByRole('main').getByRole('link', { name: 'Add sync' }).first())
  await click(button(/^Abandoned carts/))
  await fill('File name', 'carts.csv')
  await click(button('Continue'))
  await click(button('Finish and run'))
  await expect(page.getByRole('main').getByText('Completed', { exact: true }).first()).toBeVisible({ timeout: 60_000 })
  await expect(page.getByRole('table', { name: 'Successful rows' }).getByRole('row').nth(1)).toBeVisible()
  const took = (Date.now() - began) / 1000
  process.stdout.write(`First sync from an empty workspace: ${steps.clicks} clicks, ${steps.fields} texts typed, ${took.toFixed(1)} s of a robot and the server\n`)
  expect(steps).toEqual({ clicks: 18, fields: 3 })
  await click(page.getByRole('link', { name: 'Home', exact: true }))
  await expect(page.getByRole('region', { name: 'First steps' })).toHaveCount(0)
  await page.close()
})
