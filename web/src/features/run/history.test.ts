import { expect, it } from 'vitest'
import { fixtureRun } from '~/test/fixtures'
import { runPoints, signsOf } from './history'

const none = { added: 0, changed: 0, removed: 0 }
const newest = fixtureRun({
  id: 8,
  syncSlug: 'people',
  status: 'warning',
  label: 'Completed with errors',
  succeeded: { added: 5, changed: 4, removed: 3 },
  failed: { ...none, changed: 2 },
  rows: { ...none, unchanged: 0, nullKey: 0, duplicate: 1, ignored: 0 },
  startedAt: '2026-11-20T23:30:00.000Z',
})
const failed = fixtureRun({ id: 7, state: 'failed', status: 'failed', label: 'Aborted due to fatal error' })
const waiting = fixtureRun({ id: 9, state: 'queued', status: 'queued', label: 'Queued', startedAt: null, durationMs: 0 })

it('draws runs from the oldest to the newest, in the zone of the viewer', () => {
  const points = runPoints([waiting, newest, failed], 'Asia/Tokyo')
  expect(points.map(({ key }) => key)).toEqual([7, 8, 9])
  expect(points[1]).toEqual({
    key: 8,
    at: Date.parse('2026-11-20T23:30:00.000Z'),
    short: '21 Nov, 08:30',
    title: 'Run 8, Sat, 21 Nov 2026, 08:30:00 GMT+9',
    values: { added: 5, changed: 4, removed: 3, rejected: 3, duration: 3000 },
    mark: undefined,
    to: '/syncs/people/runs/8',
  })
  expect(points[2]?.values.duration).toBeNull()
})

it('marks what did not come to its end, and explains each sign once', () => {
  const cancelled = fixtureRun({ id: 6, state: 'cancelled', status: 'cancelled', label: 'Cancelled by user' })
  const points = runPoints([newest, failed, cancelled, failed])
  expect(points.map(({ mark }) => mark?.tone)).toEqual(['bad', 'idle', 'bad', undefined])
  expect(signsOf(points)).toEqual([
    { label: 'Aborted due to fatal error', tone: 'bad' },
    { label: 'Cancelled by user', tone: 'idle' },
  ])
})
