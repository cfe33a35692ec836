import { describe, expect, it } from 'vitest'
import { keysOf, limitProblem, moved, stepsProblem, terminateText, withLimit, withTerminate } from './steps'

// Req: SY-86
it('moves an entry of a list and leaves the others in their order', () => {
  expect(moved(['a', 'b', 'c'], 0, 2)).toEqual(['b', 'c', 'a'])
  expect(moved(['a', 'b', 'c'], 2, 0)).toEqual(['c', 'a', 'b'])
  expect(moved(['a', 'b', 'c'], 1, 3)).toEqual(['a', 'b', 'c'])
  expect(moved(['a', 'b', 'c'], 0, -1)).toEqual(['a', 'b', 'c'])
})

it('tells a sync that is in the sequence twice from itself', () => {
  expect(keysOf([{ sync: 'a' }, { sync: 'b' }, { sync: 'a' }])).toEqual(['a 0', 'b 0', 'a 1'])
})

// Req: SY-87
describe('what ends a sequence', () => {
  it('keeps the limit only where rejected rows end it', () => {
    const step = { sync: 'a', terminate: 'rejected' as const, rejected: { count: 10 } }
    expect(withTerminate(step, 'fatal')).toEqual({ sync: 'a', terminate: 'fatal' })
    expect(withTerminate(step, 'rejected')).toEqual(step)
  })
  it('says nothing of a limit of one row, which is meant anyway', () => {
    expect(withLimit({ sync: 'a', rejected: { count: 10 } }, 'count', 1)).toEqual({ sync: 'a', terminate: 'rejected' })
    expect(withLimit({ sync: 'a' }, 'percent', 2.5)).toEqual({ sync: 'a', terminate: 'rejected', rejected: { percent: 2.5 } })
  })
  it('refuses limits that mean nothing', () => {
    expect(limitProblem({ sync: 'a', rejected: { count: 1.5 } })).toMatch('whole number')
    expect(limitProblem({ sync: 'a', rejected: { percent: 101 } })).toMatch('up to 100')
    expect(limitProblem({ sync: 'a', terminate: 'never' })).toBeUndefined()
    expect(stepsProblem([])).toMatch('at least one')
    expect(stepsProblem([{ sync: 'a' }])).toBeUndefined()
  })
  it('is told in words', () => {
    expect(terminateText({ sync: 'a' })).toBe('Ends on a fatal error or 1 rejected row')
    expect(terminateText({ sync: 'a', terminate: 'rejected', rejected: { percent: 5 } })).toBe('Ends on a fatal error or 5% rejected rows')
    expect(terminateText({ sync: 'a', terminate: 'fatal' })).toBe('Ends on a fatal error')
    expect(terminateText({ sync: 'a', terminate: 'never' })).toBe('Nothing ends the sequence here')
  })
})
