import type { Page } from '@playwright/test'
import { choose, expect, signIn, test } from '../app'
import { Receiver } from './receiver'
import { addDestination, addModel, addSource, addSync, editSql, named } from './steps'

// From a channel to a notice and its recovery, over a real server and a real receiver.

interface Notice {
  type: string
  data: { level: string; before: string; trigger: string; document: { name: string } }
}

const noticesOf = (hook: Receiver): Notice[] => hook.received.map(({ body }) => JSON.parse(body) as Notice)

// Req: SY-61, SY-62, SY-63, SY-64, SY-67
test('a sync that fails tells the recipients of its destination once, and once when it is well again', async ({ page }) => {
  const hook = await Receiver.start()
  await signIn(page)
  const [shop, carts, folder, hookName, name] = [named('Alert shop'), named('Alert carts'), named('Alert folder'), named('Hook'), named('Alert sync')]

  await page.goto('/settings/alerts/new?type=webhook')
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill(hookName)
  await page.getByRole('textbox', { name: 'URL' }).fill(`${hook.url}/hook`)
  await page.getByRole('button', { name: 'Send test notice' }).click()
  await expect(page.getByText('The test notice was sent.')).toBeVisible()
  expect(noticesOf(hook).map(({ type }) => type)).toEqual(['alert.test'])
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('table', { name: 'Alert channels' })).toContainText(hookName)

  await addSource(page, shop)
  await addModel(page, shop, carts)
  await addDestination(page, folder)
  await page.getByRole('tab', { name: 'Alerts' }).click()
  await page.getByRole('button', { name: 'Add recipient' }).click()
  await choose(page, 'Channel', hookName)
  await page.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByText('The alerts are saved.')).toBeVisible()

  await addSync(page, { model: carts, destination: folder, name, file: 'alerts.csv' })
  await expect(page.getByRole('main').getByText('Completed', { exact: true }).first()).toBeVisible({ timeout: 45_000 })

  // The table's columns are kept by the saved model; what is wrong is found by the run.
  await page.goto('/models')
  await page.getByRole('link', { name: carts, exact: true }).click()
  await page.getByRole('link', { name: 'Edit', exact: true }).waitFor()
  const slug = new URL(page.url()).pathname.split('/').at(-1) ?? ''
  await breakModel(page, slug)
  await page.goto('/syncs')
  await page.getByRole('link', { name, exact: true }).click()
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await expect.poll(() => noticesOf(hook).map(({ data }) => `${data.trigger} ${data.before}>${data.level}`), { timeout: 60_000 }).toContain('fatal ok>critical')

  await page.goto('/syncs?alerts=critical')
  await page.getByRole('row', { name: new RegExp(name) }).getByRole('link', { name: /1 alert/ }).click()
  const fatal = page.getByRole('listitem', { name: 'Fatal error' })
  await expect(fatal).toContainText('Critical')
  await expect(fatal).toContainText('The last run failed')
  await expect(page.getByRole('table', { name: 'Alert history' })).toContainText('sent')
  await fatal.getByRole('button', { name: 'Mute Fatal error' }).click()
  await page.getByRole('menuitem', { name: 'For 1 hour' }).click()
  await expect(fatal).toContainText('Muted, ends in 1 hour')
  await fatal.getByRole('button', { name: 'Unmute Fatal error' }).click()
  await expect(fatal.getByRole('button', { name: 'Mute Fatal error' })).toBeVisible()

  await editSql(page, carts, "SELECT * FROM public.customers WHERE VIP = 'Normal'")
  await page.goto('/syncs')
  await page.getByRole('link', { name, exact: true }).click()
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await expect.poll(() => noticesOf(hook).map(({ data }) => `${data.trigger} ${data.before}>${data.level}`), { timeout: 60_000 }).toContain('fatal critical>ok')
  expect(noticesOf(hook).filter(({ data }) => data.trigger === 'fatal')).toHaveLength(2)
  await hook.stop()
})

/** Gives a model a query that the source refuses, which the form would not save. */
async function breakModel(page: Page, slug: string): Promise<void> {
  const problem = await page.evaluate(async (model) => {
    const session = (await (await fetch('/api/session')).json()) as { csrfToken: string }
    const document = (await (await fetch(`/api/models/${model}`)).json()) as { metadata: object; spec: object }
    const response = await fetch(`/api/models/${model}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': session.csrfToken },
      body: JSON.stringify({ metadata: document.metadata, spec: { ...document.spec, method: 'sql', sql: 'SELECT * FROM public.nowhere' } }),
    })
    return response.ok ? '' : await response.text()
  }, slug)
  expect(problem).toBe('')
}
