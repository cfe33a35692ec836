import { breaches, expect, signIn, test } from '../app'
import { pages } from './addresses'

// Every page, in both colour schemes: it is drawn, it breaks no rule of WCAG 2.2 AA that axe knows.

test.beforeEach(({ request }) => request.get('/mock/reset'))

for (const scheme of ['light', 'dark'] as const) {
  test.describe(scheme, () => {
    test.use({ colorScheme: scheme })

    test('sign-in', async ({ page }) => {
      await page.goto('/sign-in')
      await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible()
      expect(await breaches(page)).toEqual([])
    })

    for (const { name, path, ready } of pages) {
      test(name, async ({ page }) => {
        await signIn(page)
        await page.goto(path)
        await ready(page)
        expect(await breaches(page)).toEqual([])
      })
    }
  })
}
