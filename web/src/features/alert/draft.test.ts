import { describe, expect, it } from 'vitest'
import type { TriggerType } from '~/services/types'
import { choiceOf, cleanAlerts, isComplete, triggerProblem, withChoice, withRecipients, withTrigger } from './draft'

const duration: TriggerType = {
  name: 'duration', label: 'Sync duration', help: '', unit: 'hours', compare: 'above', always: false, timed: true, min: 1, max: 24, whole: false, standard: { warning: 1 },
}
const size: TriggerType = { ...duration, name: 'modelSize', compare: 'below', unit: 'rows' }

// Req: SY-62
describe('the choice of a trigger', () => {
  it('is to inherit where the block says nothing', () => {
    expect(choiceOf({}, 'duration')).toBe('inherit')
    expect(choiceOf({ triggers: { duration: { warning: 2 } } }, 'duration')).toBe('on')
    expect(choiceOf({ triggers: { duration: { off: true } } }, 'duration')).toBe('off')
  })

  it('begins with the standard thresholds, and keeps those that were there', () => {
    expect(withChoice({}, duration, 'on').triggers).toEqual({ duration: { warning: 1 } })
    expect(withChoice({ triggers: { duration: { critical: 5 } } }, duration, 'on').triggers).toEqual({ duration: { critical: 5 } })
    expect(withChoice({ triggers: { duration: { critical: 5 } } }, duration, 'off').triggers).toEqual({ duration: { off: true } })
    expect(withChoice({ triggers: { duration: { off: true }, fatal: { critical: 3 } } }, duration, 'inherit').triggers).toEqual({ fatal: { critical: 3 } })
  })

  it('loses a threshold that is emptied', () => {
    expect(withTrigger({ triggers: { duration: { warning: 1, critical: 2 } } }, 'duration', { warning: undefined }).triggers).toEqual({ duration: { critical: 2 } })
  })
})

// Req: SY-62
it('sends nothing where nothing is set, and an empty list where nobody is told', () => {
  expect(cleanAlerts({ triggers: {} })).toBeUndefined()
  expect(cleanAlerts(withRecipients({}, []))).toEqual({ recipients: [] })
  expect(cleanAlerts(withRecipients({ recipients: [{ channel: 'a' }] }, undefined))).toBeUndefined()
  expect(cleanAlerts({ triggers: { duration: { critical: 2 } } })).toEqual({ triggers: { duration: { critical: 2 } } })
})

// Req: SY-66
it('knows thresholds that contradict each other', () => {
  expect(triggerProblem(duration, {})).toMatch(/Enter a threshold/)
  expect(triggerProblem(duration, { warning: 2, critical: 1 })).toMatch(/never be a warning/)
  expect(triggerProblem(duration, { warning: 1, critical: 2 })).toBeUndefined()
  expect(triggerProblem(size, { warning: 10, critical: 100 })).toMatch(/never be a warning/)
  expect(triggerProblem(size, { warning: 100, critical: 10 })).toBeUndefined()
  expect(isComplete({ recipients: [{ channel: '' }] }, [duration])).toBe(false)
  expect(isComplete({ triggers: { duration: {} } }, [duration])).toBe(false)
  expect(isComplete({ triggers: { duration: { off: true } } }, [duration])).toBe(true)
})
