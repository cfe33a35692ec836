import { describe, expect, it } from 'vitest'
import type { Schedule } from '~/services/types'
import { cronProblem, fromLocalInput, nextRuns, nextRunsText, scheduleProblem, scheduleText, toLocalInput } from './schedule'

const from = new Date('2026-11-24T12:30:00Z') // a Tuesday
const iso = (schedule: Schedule, n = 3) => nextRuns(schedule, from, n).map((at) => at.toISOString().slice(0, 16))

// Req: SY-83
describe('cron', () => {
  it.each([
    ['* * * * *', ['2026-11-24T12:31', '2026-11-24T12:32', '2026-11-24T12:33']],
    ['0 12 * * *', ['2026-11-25T12:00', '2026-11-26T12:00', '2026-11-27T12:00']],
    ['0 12 L * *', ['2026-11-30T12:00', '2026-12-31T12:00', '2027-01-31T12:00']],
    ['0 12 * 12 1,2', ['2026-12-01T12:00', '2026-12-07T12:00', '2026-12-08T12:00']],
  ])('runs %s in UTC', (cron, want) => {
    expect(iso({ type: 'cron', cron })).toEqual(want)
  })
  it.each(['', '* * * *', '0 0 12 * * *', '0 12 LW * *', '0 12 L-2 * *', '0 12 15W * *', '0 12 * * 1#2', '0 12 * * 5L', 'a b c d e', '99 * * * *'])(
    'refuses %j',
    (cron) => {
      expect(cronProblem(cron)).toBeTypeOf('string')
    },
  )
})

// Req: SY-81
describe('interval', () => {
  it('counts from now, or from a start that is to come', () => {
    expect(iso({ type: 'interval', interval: { unit: 'hour', quantity: 2 } })).toEqual([
      '2026-11-24T14:30',
      '2026-11-24T16:30',
      '2026-11-24T18:30',
    ])
    expect(iso({ type: 'interval', interval: { unit: 'day', quantity: 1 }, start: '2026-12-01T00:00:00Z' }, 1)).toEqual([
      '2026-12-01T00:00',
    ])
  })
  it('stops at its end', () => {
    expect(iso({ type: 'interval', interval: { unit: 'hour', quantity: 1 }, end: '2026-11-24T14:00:00Z' })).toEqual([
      '2026-11-24T13:30',
    ])
  })
})

// Req: SY-82
describe('custom recurrence', () => {
  const schedule: Schedule = {
    type: 'custom',
    zone: 'Europe/Berlin',
    recurrences: [
      { days: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'], time: '00:00' },
      { days: ['saturday', 'sunday'], time: '08:00' },
    ],
  }
  it('runs at the local time of its zone, in order', () => {
    expect(iso(schedule, 5)).toEqual([
      '2026-11-24T23:00',
      '2026-11-25T23:00',
      '2026-11-26T23:00',
      '2026-11-28T07:00',
      '2026-11-29T07:00',
    ])
  })
  it('is told in words', () => {
    expect(scheduleText(schedule)).toBe('00:00 on weekdays, 08:00 on weekends (Europe/Berlin)')
  })
})

it('names what is wrong with a schedule', () => {
  expect(scheduleProblem({ type: 'manual' })).toBeUndefined()
  expect(scheduleProblem({ type: 'interval', interval: { unit: 'hour', quantity: 0 } })).toMatch('at least 1')
  expect(scheduleProblem({ type: 'custom', recurrences: [] })).toMatch('at least one recurrence')
  expect(scheduleProblem({ type: 'custom', recurrences: [{ days: [], time: '08:00' }] })).toMatch('one day')
  expect(scheduleProblem({ type: 'custom', recurrences: [{ days: ['monday'], time: '25:00' }] })).toMatch('time')
  const backwards: Schedule = { type: 'cron', cron: '* * * * *', start: '2026-12-02T00:00:00Z', end: '2026-12-01T00:00:00Z' }
  expect(scheduleProblem(backwards)).toMatch('after the start')
})

it('tells the next runs', () => {
  expect(nextRunsText({ type: 'manual' }, from)).toMatch('when you')
  expect(nextRunsText({ type: 'cron', cron: '0 12 * * *' }, from, 'UTC')).toBe('Wed 25 Nov, 12:00 · Thu 26 Nov, 12:00 · Fri 27 Nov, 12:00')
})

it('turns local input into UTC and back', () => {
  const at = fromLocalInput('2026-12-01T08:00')
  expect(toLocalInput(at)).toBe('2026-12-01T08:00')
  expect(fromLocalInput('')).toBeUndefined()
  expect(toLocalInput(undefined)).toBe('')
})
