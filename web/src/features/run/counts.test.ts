import { expect, it } from 'vitest'
import { rejectedCount, sum, triggerWords } from './counts'

const counts = (added: number, changed: number, removed: number) => ({ added, changed, removed })

it('adds up operations', () => {
  expect(sum(counts(1, 2, 3))).toBe(6)
  expect(rejectedCount({ failed: counts(1, 0, 0), aborted: counts(0, 2, 0) })).toBe(3)
})

it('says what started a run', () => {
  expect(triggerWords({ trigger: 'schedule', options: {} })).toBe('Schedule')
  expect(triggerWords({ trigger: 'manual', options: { fullResync: true } })).toBe('Manual, full resync')
  expect(triggerWords({ trigger: 'api', options: { fullResync: true, clearAndFill: true } })).toBe('API, clear and fill')
})
