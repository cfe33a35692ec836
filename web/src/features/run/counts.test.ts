import { expect, it } from 'vitest'
import { fixtureRun } from '~/test/fixtures'
import { ignoredWords, queriedWords, rejectedCount, rejectedOf, sum, tookWords, triggerWords, waitingCount } from './counts'

const counts = (added: number, changed: number, removed: number) => ({ added, changed, removed })

it('adds up operations', () => {
  expect(sum(counts(1, 2, 3))).toBe(6)
})

// Req: SY-71, M-05
it('counts as rejected what was refused, not sent, or never sent since its key is not unique', () => {
  const run = fixtureRun({ failed: counts(1, 0, 0), aborted: counts(0, 2, 0) })
  run.rows = { ...run.rows, duplicate: 4 }
  expect(rejectedOf(run)).toEqual(counts(5, 2, 0))
  expect(rejectedCount(run)).toBe(7)
})

it('says how long a run took, and nothing before it began', () => {
  expect(tookWords({ startedAt: null, durationMs: 0 })).toBe('–')
  expect(tookWords({ startedAt: '2026-11-20T10:00:00.000Z', durationMs: 3000 })).toBe('3.0 s')
})

it('says what started a run', () => {
  expect(triggerWords({ trigger: 'schedule', options: {} })).toBe('Schedule')
  expect(triggerWords({ trigger: 'manual', options: { fullResync: true } })).toBe('Manual, full resync')
  expect(triggerWords({ trigger: 'api', options: { fullResync: true, clearAndFill: true } })).toBe('API, clear and fill')
})

// Req: SY-71, SY-75
it('tells what became of every row that was queried', () => {
  const rows = { added: 3, changed: 2, removed: 1, unchanged: 1200, nullKey: 1, duplicate: 4, ignored: 2 }
  const run = fixtureRun({ rowsRead: 1210, rows })
  const numbers = queriedWords(run).split(' · ').map((part) => Number((part.split(' ')[0] ?? '').replace(',', '')))
  expect(queriedWords(run)).toBe('3 new · 2 changed · 1,200 unchanged · 1 without a primary key · 4 with a primary key that is not unique')
  expect(numbers.reduce((a, b) => a + b, 0)).toBe(run.rowsRead)
  expect(ignoredWords(run)).toBe('2 changes ignored by the configuration')
  expect(ignoredWords(fixtureRun())).toBe('')
})

it('counts the operations that have no answer yet', () => {
  expect(waitingCount(fixtureRun({ planned: counts(9, 4, 1), succeeded: counts(3, 0, 1), failed: counts(1, 0, 0) }))).toBe(9)
})
