import { QueryClient } from '@tanstack/react-query'
import { expect, it, vi } from 'vitest'
import { fixtureRun } from '~/test/fixtures'
import { applyRun } from './events'

// Req: SY-03
it('reads the syncs anew whenever a run changes its state, and not for every row', () => {
  const client = new QueryClient()
  const invalidated = vi.spyOn(client, 'invalidateQueries')
  const syncs = () => invalidated.mock.calls.filter(([filter]) => filter?.queryKey?.[0] === 'syncs').length
  const run = (state: 'querying' | 'delivering' | 'committed', progress: number) => applyRun(client, fixtureRun({ id: 7, state, progress }))
  run('querying', 0)
  expect(syncs()).toBe(1)
  run('delivering', 0.1)
  run('delivering', 0.6)
  expect(syncs()).toBe(2)
  run('committed', 1)
  expect(syncs()).toBe(3)
  expect(client.getQueryData(['runs', 'one', 7])).toMatchObject({ state: 'committed' })
})
