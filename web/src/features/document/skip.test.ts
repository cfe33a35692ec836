import { expect, it } from 'vitest'
import { skipSince } from './skip'

// Req: FLD-21
it('tells of a skipped time as long as no run was made since', () => {
  const lastSkip = { at: '2026-11-24T12:00:00.000Z', reason: 'missing' as const, message: 'there is no model "people"' }
  expect(skipSince({ lastSkip, lastRun: null })).toEqual(lastSkip)
  expect(skipSince({ lastSkip, lastRun: { createdAt: '2026-11-24T11:00:00.000Z' } })).toEqual(lastSkip)
  expect(skipSince({ lastSkip, lastRun: { createdAt: '2026-11-24T13:00:00.000Z' } })).toBeNull()
  expect(skipSince({ lastSkip: null, lastRun: null })).toBeNull()
  expect(skipSince(undefined)).toBeNull()
})
