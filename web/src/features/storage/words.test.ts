import { describe, expect, it } from 'vitest'
import type { StorageSwitch } from '~/services/types'
import { keeping, stepsOf } from './words'

const sw = (patch: Partial<StorageSwitch>): StorageSwitch => ({
  id: 1,
  from: 'A',
  to: 'B',
  state: 'checking',
  reverting: false,
  cancelled: false,
  abandon: false,
  running: 0,
  by: 'ada@example.com',
  error: null,
  createdAt: '2026-03-01T08:00:00Z',
  finishedAt: null,
  ...patch,
})

describe('steps of a switch (X-12)', () => {
  it('tells which are done, which is under way, which come next', () => {
    expect(stepsOf(sw({ state: 'validating' })).map(({ state }) => state)).toEqual(['done', 'done', 'now', 'next', 'next'])
  })

  it('says how many runs are waited for', () => {
    expect(stepsOf(sw({ state: 'waiting', running: 2 }))[1]?.label).toContain('2 runs')
    expect(stepsOf(sw({ state: 'waiting', running: 1 }))[1]?.label).toContain('1 run to end')
  })

  it('shows that the new place did not work', () => {
    const steps = stepsOf(sw({ state: 'resuming', reverting: true }))
    expect(steps[2]?.state).toBe('undone')
    expect(steps[3]?.label).toContain('old storage')
  })
})

describe('how long things are kept (X-08, X-09)', () => {
  it('differs by whose storage it is', () => {
    expect(keeping({ expiryDays: 30 })).toContain('30 days')
    expect(keeping({ expiryDays: 0 })).toContain('until the sync is deleted')
    expect(keeping({ slug: 'lake', expiryDays: 0 })).toContain('as long as you keep it')
  })
})
