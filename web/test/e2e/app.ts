import AxeBuilder from '@axe-core/playwright'
import { expect, test as base, type Locator, type Page } from '@playwright/test'

const email = process.env.MILLRACE_E2E_EMAIL ?? 'admin@example.com'
const password = process.env.MILLRACE_E2E_PASSWORD ?? 'millrace'

/** Messages of the browser that are not defects: what the server refused on purpose. */
const expected = /Failed to load resource: the server responded with a status of (401|404|409|422)/

/** A test whose page must report no error, such as a breach of the content security policy. */
export const test = base.extend<{ page: Page }>({
  page: async ({ page }, use) => {
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error' && !expected.test(message.text())) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    await use(page)
    expect(complaints, 'what the browser complained about').toEqual([])
  },
})

export { expect }

/** Signs in and waits for the frame. With here, on the page that is open. */
export async function signIn(page: Page, { here = false } = {}): Promise<void> {
  if (!here) await page.goto('/sign-in')
  await page.getByLabel('Email').fill(email)
  await page.getByRole('textbox', { name: 'Password' }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible()
}

/** Signs in without the form, and opens no page. */
export async function enter(page: Page): Promise<void> {
  const answer = await page.request.post('/api/session', { data: { email, password } })
  expect(answer.ok(), 'signing in').toBe(true)
}

/** Changes the colour scheme of the open page, and waits until it is drawn. What turns for ever is not waited for. */
export async function recolour(page: Page, scheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme: scheme })
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', scheme)
  await page.evaluate(() => {
    const ending = document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity)
    return Promise.allSettled(ending.map((animation) => animation.finished))
  })
}

/** Chooses an entry of a Mantine pick-list. */
export async function choose(page: Page | Locator, label: string, option: string | RegExp): Promise<void> {
  await page.getByRole('combobox', { name: label }).click()
  // The choices are drawn at the end of the page.
  await ('page' in page ? page.page() : page).getByRole('option', { name: option }).click()
}

/** The breaches of WCAG 2.2 A and AA that axe finds. Pages have no frames, so that axe needs no second page to bring results together. */
export async function breaches(page: Page): Promise<string[]> {
  const results = await new AxeBuilder({ page }).setLegacyMode().withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze()
  return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary ?? ''}`).join('\n')}`)
}
