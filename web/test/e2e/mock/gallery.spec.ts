import { fileURLToPath } from 'node:url'
import type { Page } from '@playwright/test'
import { createServer, type ViteDevServer } from 'vite'
import { breaches, enter, expect, recolour, test } from '../app'

// The page of all components, which only development builds have, over the API of the mock.

let vite: ViteDevServer
let gallery: string

test.beforeAll(async ({ baseURL }) => {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  vite = await createServer({ root, logLevel: 'error', server: { host: '127.0.0.1', port: 0, proxy: { '/api': { target: baseURL ?? '' } } } })
  await vite.listen()
  gallery = `${vite.resolvedUrls?.local[0] ?? ''}gallery`
})
test.afterAll(() => vite.close())
test.beforeEach(({ request }) => request.get('/mock/reset'))
test.use({ colorScheme: 'light' })

/** Opens the gallery. The development server bundles as it is asked, which takes a while the first time. */
async function open(page: Page) {
  await enter(page)
  await page.goto(gallery)
  await expect(page.getByRole('heading', { level: 1, name: 'Components' })).toBeVisible({ timeout: 60_000 })
}

test('shows charts in all their states, wide and narrow, light and dark', async ({ page }) => {
  test.slow() // axe reads the whole page four times over
  await open(page)
  const few = page.getByRole('figure', { name: 'Rows of a few runs' })
  await expect(few.getByRole('img', { name: /^Rows/ })).toHaveAccessibleName(/^Rows of a few runs\. 14 runs, Sun, 1 Nov 2026, 00:00:00 UTC to Sun, 1 Nov 2026, 13:00:00 UTC\. Highest: [\d,]+, .* Added [\d,]+\./)
  await expect(page.getByRole('figure', { name: 'Sizes' }).getByRole('img', { name: /^Sizes/ })).toHaveAccessibleName(/^Sizes\. 30 days/)
  await expect(page.getByRole('status', { name: 'Loading' })).not.toHaveCount(0)
  await expect(page.getByText('No run ended on these days')).toBeVisible()
  for (const width of [1280, 768]) {
    await page.setViewportSize({ width, height: 860 })
    for (const scheme of ['light', 'dark'] as const) {
      await recolour(page, scheme)
      expect(await breaches(page), `${width} wide, in the ${scheme} scheme`).toEqual([])
    }
  }
})

test('hundreds of runs are scrolled, the newest in sight', async ({ page }) => {
  await open(page)
  const many = page.getByRole('figure', { name: 'Rows of many runs' })
  const points = many.getByRole('group', { name: 'Rows of many runs' }).getByRole('link')
  await expect(points).toHaveCount(400)
  await many.scrollIntoViewIfNeeded()
  await expect(points.last()).toBeInViewport()
  await expect(points.first()).not.toBeInViewport()
  await points.last().focus()
  await page.keyboard.press('Home')
  await expect(points.first()).toBeFocused()
  await expect(points.first()).toBeInViewport()
})
