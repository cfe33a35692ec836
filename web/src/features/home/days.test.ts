import { expect, it } from 'vitest'
import { dayPoints, daysWords } from './days'

const days = [
  { day: '2026-11-27', runs: 3, failed: 0, sent: 1200, rejected: 4 },
  { day: '2026-11-28', runs: 2, failed: 2, sent: 0, rejected: 0 },
]

it('draws what was sent and rejected on each day, with a sign where runs failed', () => {
  const [first, second] = dayPoints(days)
  expect(first).toMatchObject({ key: '2026-11-27', short: '27 Nov', title: 'Fri, 27 Nov 2026', values: { sent: 1200, rejected: 4 }, mark: undefined })
  expect(second?.mark).toEqual({ label: '2 failed runs', tone: 'bad', text: '2' })
})

it('says what happened on all days together', () => {
  expect(daysWords(days)).toBe('5 runs, 2 of them failed · 1,200 rows sent, 4 rejected')
  expect(daysWords([{ day: '2026-11-28', runs: 1, failed: 0, sent: 1, rejected: 0 }])).toBe('1 run, 0 of them failed · 1 row sent, 0 rejected')
})
