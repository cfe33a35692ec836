import { expect, it } from 'vitest'
import { fixtureRun } from '~/test/fixtures'
import { isActive, pageAfter, statusesOf } from './runs'

// Req: SY-69
it('takes a run for active until it has ended', () => {
  expect(['queued', 'querying', 'planning', 'delivering', 'settling'].every((state) => isActive({ state: state as never }))).toBe(true)
  expect(['committed', 'failed', 'cancelled', 'interrupted'].some((state) => isActive({ state: state as never }))).toBe(false)
})

const stopped = fixtureRun({ state: 'failed', aborted: { added: 0, changed: 3, removed: 0 } })

// Req: SY-71
it('lists refused rows first and those that were never sent after them', () => {
  const statuses = statusesOf('rejected', stopped)
  expect(pageAfter(statuses, { status: 'failed', cursor: '7' })).toEqual({ status: 'failed', cursor: '7' })
  expect(pageAfter(statuses, { status: 'failed', cursor: null })).toEqual({ status: 'aborted', cursor: null })
  expect(pageAfter(statuses, { status: 'aborted', cursor: null })).toBeNull()
})

it('takes no row for rejected that is still to be sent', () => {
  expect(statusesOf('rejected', { ...stopped, state: 'delivering' })).toEqual(['failed'])
  expect(statusesOf('rejected', fixtureRun())).toEqual(['failed'])
})
