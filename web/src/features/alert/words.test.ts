import { expect, it } from 'vitest'
import type { TriggerState } from '~/services/types'
import { conditionWords, windowWords } from './words'

const trigger = (more: Partial<TriggerState>): TriggerState => ({
  name: 'fatal', label: 'Fatal error', on: true, from: 'standard', warning: null, critical: 1, unit: 'runs', level: 'ok', since: null, evaluatedAt: null, value: 0,
  words: '', run: null, muted: false, mutedUntil: null, ...more,
})

// Req: SY-66
it('says in words when a trigger alerts', () => {
  expect(conditionWords(trigger({}))).toBe('Critical when a run fails')
  expect(conditionWords(trigger({ warning: 1, critical: 3 }))).toBe('Warning when a run fails; critical when 3 runs in a row fail')
  expect(conditionWords(trigger({ name: 'rejected', warning: 1, critical: null }))).toBe('Warning when 1 row is rejected')
  expect(conditionWords(trigger({ name: 'rejected', warning: 0.5, critical: null, measure: 'percent' }))).toBe('Warning when 0.5 % of the queried rows are rejected')
  expect(conditionWords(trigger({ name: 'modelSize', warning: 1000, critical: 1 }))).toBe(
    'Warning when the model returns fewer than 1,000 rows; critical when the model returns no row',
  )
  expect(conditionWords(trigger({ name: 'duration', warning: 1.5, critical: null }))).toBe('Warning when a run takes longer than 1.5 hours')
  expect(conditionWords(trigger({ name: 'throughput', warning: 1, critical: null, windowHours: 168 }))).toBe('Warning when fewer than 1 row arrives in 7 days')
})

it('says windows in days where they are whole', () => {
  expect([windowWords(1), windowWords(24), windowWords(36), windowWords(168)]).toEqual(['1 hour', '1 day', '36 hours', '7 days'])
})
