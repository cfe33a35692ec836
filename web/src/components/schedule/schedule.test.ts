import { describe, expect, it } from 'vitest'
import type { Schedule } from '~/services/types'
import { cronProblem, fromLocalInput, scheduleProblem, scheduleText, toLocalInput, zoneOf, zones } from './schedule'

// Req: SY-83
describe('cron', () => {
  it.each(['* * * * *', '0 12 L * *', '0 12 * 12 1,2', '0 12 * JUL *'])('takes %j', (cron) => {
    expect(cronProblem(cron)).toBeUndefined()
  })
  it.each(['', '* * * *', '0 0 12 * * *', '0 12 LW * *', '0 12 L-2 * *', '0 12 15W * *', '0 12 * * 1#2', '0 12 * * 5L', 'a b c d e', '99 * * * *'])(
    'refuses %j',
    (cron) => {
      expect(cronProblem(cron)).toBeTypeOf('string')
    },
  )
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
  it('means the times of its zone, which can be chosen', () => {
    expect(zoneOf(schedule)).toBe('Europe/Berlin')
    expect(zoneOf({ type: 'cron', cron: '* * * * *' })).toBe('UTC')
    expect(zones('Europe/Berlin').filter((zone) => zone === 'Europe/Berlin')).toHaveLength(1)
    expect(zones('Etc/GMT+5')).toContain('Etc/GMT+5')
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

it('turns local input into UTC and back', () => {
  const at = fromLocalInput('2026-12-01T08:00')
  expect(toLocalInput(at)).toBe('2026-12-01T08:00')
  expect(fromLocalInput('')).toBeUndefined()
  expect(toLocalInput(undefined)).toBe('')
})

// Req: DBT-07, ORC-01
describe('a schedule that waits for jobs', () => {
  it('needs a connection and at least one job', () => {
    expect(scheduleProblem({ type: 'dbtCloud' })).toContain('dbt Cloud')
    expect(scheduleProblem({ type: 'fivetran', after: { orchestrator: 'five', jobs: [] } })).toContain('job')
    expect(scheduleProblem({ type: 'fivetran', after: { orchestrator: 'five', jobs: ['a'] } })).toBeUndefined()
  })
  it('is told in words', () => {
    expect(scheduleText({ type: 'fivetran', after: { orchestrator: 'five', jobs: ['a', 'b'] } })).toBe('After 2 jobs of Fivetran')
    expect(scheduleText({ type: 'dbtCloud', after: { orchestrator: 'cloud', jobs: ['1'] } })).toBe('After 1 job of dbt Cloud')
  })
})
