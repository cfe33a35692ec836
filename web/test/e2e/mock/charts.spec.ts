import { breaches, enter, expect, test } from '../app'

test.use({ timezoneId: 'Europe/Berlin' })

// Req: SY-08, SY-69
test('the last runs of a sync are bars with exact numbers, each of which leads to its run', async ({ page, request }) => {
  await request.get('/mock/reset')
  await enter(page)
  await page.goto('/syncs/vip-customers-to-crm')
  const chart = page.getByRole('figure', { name: 'Rows by run' })
  await expect(chart.getByRole('img', { name: /^Rows by run/ })).toHaveAccessibleName(/^Rows by run\. 10 runs, .* Highest: 166, .* Rejected 9\.$/)
  const runs = chart.getByRole('group', { name: 'Rows by run' }).getByRole('link')
  await expect(runs).toHaveCount(10)
  const newest = runs.last()
  await expect(newest).toHaveAccessibleName(/^Run \d+, .* (CET|CEST), Added 112, Changed 39, Removed 6, Rejected 9$/)

  await newest.hover()
  await expect(chart.getByText('Together')).toBeVisible()
  await expect(chart.locator('dl')).toContainText('Rejected9')
  await page.getByRole('heading', { level: 1 }).hover()
  await expect(chart.getByText('Together')).toHaveCount(0)

  await test.step('the keyboard goes from run to run, and opens one', async () => {
    await newest.focus()
    await page.keyboard.press('ArrowLeft')
    await expect(runs.nth(8)).toBeFocused()
    await expect(chart.locator('dl')).toContainText('Together5')
    await page.keyboard.press('Escape')
    await expect(chart.locator('dl')).toHaveCount(0)
    await page.keyboard.press('End')
    await expect(newest).toBeFocused()
    await page.keyboard.press('Enter')
    await expect(page).toHaveURL(/\/syncs\/vip-customers-to-crm\/runs\/\d+$/)
    await expect(page.getByText('Completed with errors').first()).toBeVisible()
  })
})

// Req: SY-08
test('a series is hidden and shown, durations are another view, and a table has the same numbers', async ({ page, request }) => {
  await request.get('/mock/reset')
  await enter(page)
  await page.goto('/syncs/vip-customers-to-crm')
  const rows = page.getByRole('figure', { name: 'Rows by run' })
  const series = rows.getByRole('group', { name: 'Series' })
  await series.getByRole('button', { name: 'Added' }).click()
  await expect(series.getByRole('button', { name: 'Added' })).toHaveAttribute('aria-pressed', 'false')
  await expect(rows.getByRole('img', { name: /^Rows by run/ })).toHaveAccessibleName(/Highest: 54, /)
  for (const name of ['Changed', 'Removed', 'Rejected']) await series.getByRole('button', { name }).click()
  await expect(rows.getByRole('img', { name: /^Rows by run/ }), 'all of them are back').toHaveAccessibleName(/Highest: 166, /)

  await rows.getByRole('button', { name: 'Show as table' }).click()
  const table = rows.getByRole('table', { name: 'Rows by run, as a table' })
  await expect(table.getByRole('row')).toHaveCount(11)
  await expect(table.getByRole('row').nth(1)).toContainText(/Run \d+.*1123969$/)
  expect(await breaches(page)).toEqual([])
  await rows.getByRole('button', { name: 'Show as chart' }).click()
  await expect(table).toHaveCount(0)

  await page.getByText('Duration', { exact: true }).first().click()
  const durations = page.getByRole('figure', { name: 'Duration by run' })
  await expect(durations.getByRole('link').last()).toHaveAccessibleName(/Duration 13 s$/)
  await expect(durations.getByText('15 s', { exact: true })).toBeVisible()
  expect(await breaches(page)).toEqual([])
})

test('a sync that never ran has no chart', async ({ page, request }) => {
  await request.get('/mock/reset')
  await enter(page)
  await page.goto('/syncs/vip-customers-to-exports')
  await expect(page.getByText('This sync has not run yet')).toBeVisible()
  await expect(page.getByRole('figure')).toHaveCount(0)
})

test('home has the rows of the last days in the zone of the viewer, and where runs failed', async ({ page, request }) => {
  await request.get('/mock/reset')
  await enter(page)
  const asked = page.waitForRequest(/\/api\/runs\/days/)
  await page.goto('/')
  expect((await asked).url()).toMatch(/zone=Europe%2FBerlin&days=14$/)
  const card = page.getByRole('region', { name: 'Rows by day' })
  const days = card.getByRole('group', { name: 'Rows by day' }).getByRole('button')
  await expect(days).toHaveCount(14)
  await expect(card).toContainText(/\d+ runs, \d+ of them failed · [\d,]+ rows sent, [\d,]+ rejected/)
  await expect(days.nth(11)).toHaveAccessibleName(/^\w{3}, \d+ \w{3,4} \d{4}, Sent [\d,]+, Rejected \d+, 2 failed runs$/)
  await days.nth(11).focus()
  await expect(card.getByText('2 failed runs')).toBeVisible()
  expect(await breaches(page)).toEqual([])
  await card.getByText('30 days').click()
  await expect(days).toHaveCount(30)
})

test('home says that no run ended, and that the days could not be loaded', async ({ page, request }) => {
  await request.get('/mock/reset')
  await enter(page)
  const answers = [
    { status: 422, json: { error: { code: 'input.invalid', message: '"Europe/Atlantis" is not a time zone', requestId: 'req-1' } } },
    { json: { zone: 'UTC', days: [{ day: '2026-11-28', runs: 0, failed: 0, sent: 0, rejected: 0 }] } },
  ]
  await page.route('**/api/runs/days?*', (route) => route.fulfill(answers.shift()))
  await page.goto('/')
  const card = page.getByRole('region', { name: 'Rows by day' })
  await expect(card.getByRole('alert')).toContainText('"Europe/Atlantis" is not a time zone')
  await card.getByRole('button', { name: 'Try again' }).click()
  await expect(card.getByText('No run ended on these days')).toBeVisible()
  expect(await breaches(page)).toEqual([])
})
