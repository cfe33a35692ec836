import type { Page } from '@playwright/test'
import { breaches, enter, expect, recolour, test } from '../app'
import { pages } from './addresses'

// Every page, wide and narrow, in both colour schemes: it is drawn, it breaks no rule of WCAG 2.2 AA that axe knows.

test.beforeEach(({ request }) => request.get('/mock/reset'))
test.use({ colorScheme: 'light' })

async function everyLook(page: Page) {
  for (const width of [1280, 768]) {
    await page.setViewportSize({ width, height: 860 })
    for (const scheme of ['light', 'dark'] as const) {
      await recolour(page, scheme)
      expect(await breaches(page), `${width} wide, in the ${scheme} scheme`).toEqual([])
    }
  }
}

test('sign-in', async ({ page }) => {
  await page.goto('/sign-in')
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
  await everyLook(page)
})

for (const { name, path, ready } of pages) {
  test(name, async ({ page }) => {
    await enter(page)
    await page.goto(path)
    await ready(page)
    await everyLook(page)
  })
}
