import { expect, it } from 'vitest'
import { fixtureRun } from '~/test/fixtures'
import { exportAddress, isActive, statusesOf } from './runs'

// Req: SY-69
it('takes a run for active until it has ended', () => {
  expect(['queued', 'querying', 'planning', 'delivering', 'settling'].every((state) => isActive({ state: state as never }))).toBe(true)
  expect(['committed', 'failed', 'cancelled', 'interrupted'].some((state) => isActive({ state: state as never }))).toBe(false)
})

// Req: SY-71
it('takes no row for rejected that is still to be sent', () => {
  expect(statusesOf('rejected', fixtureRun({ state: 'delivering' }))).toEqual(['failed'])
  expect(statusesOf('rejected', fixtureRun())).toEqual(['failed', 'aborted'])
})

// Req: SY-73
it('repeats the statuses of an export in its address', () => {
  expect(exportAddress(7, 'csv', ['failed', 'aborted'])).toBe('/api/runs/7/rows.csv?status=failed&status=aborted')
  expect(exportAddress(7, 'json', [])).toBe('/api/runs/7/rows.json')
})
