import { expect, it } from 'vitest'
import { matchPoints } from './history'

it('draws matched users from the first look to the last; what the platform does not tell stays unknown', () => {
  const look = (at: string, matched: number | null) => ({ at, account: '17', audience: '101', matched, members: 7000, percent: null })
  const points = matchPoints([look('2026-11-24T08:00:00.000Z', 4900), look('2026-11-23T08:00:00.000Z', null)], 'UTC')
  expect(points.map(({ short, values }) => [short, values])).toEqual([
    ['23 Nov, 08:00', { matched: null, members: 7000 }],
    ['24 Nov, 08:00', { matched: 4900, members: 7000 }],
  ])
})
