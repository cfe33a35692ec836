import { test } from '@playwright/test'
import { enter } from '../app'
import { pages } from './addresses'

// Not a test: draws every page into a folder so that people can look at it (npm run screenshots).

const folder = process.env.MILLRACE_SHOTS ?? 'screenshots'

for (const scheme of ['light', 'dark'] as const) {
  for (const width of [1280, 768]) {
    test.describe(`${scheme} ${width}`, () => {
      test.use({ colorScheme: scheme, viewport: { width, height: 860 } })
      test('sign-in', async ({ page }) => {
        await page.goto('/sign-in')
        await page.getByRole('button', { name: 'Sign in' }).waitFor()
        await page.screenshot({ path: `${folder}/sign-in-${scheme}-${width}.png` })
      })
      for (const { name, path, ready } of pages) {
        test(name, async ({ page }) => {
          await enter(page)
          await page.goto(path)
          await ready(page)
          await page.waitForTimeout(250)
          await page.screenshot({ path: `${folder}/${name}-${scheme}-${width}.png` })
        })
      }
    })
  }
}
