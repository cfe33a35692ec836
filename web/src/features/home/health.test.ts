import { expect, it } from 'vitest'
import { syncStates } from '~/components/status/states'
import { fixtureRun, fixtureSync } from '~/test/fixtures'
import { needingAttention, recentRuns, statesOf } from './health'

const syncs = [
  fixtureSync('a', 'healthy', fixtureRun({ id: 1, createdAt: '2026-11-20T00:00:00.000Z' })),
  fixtureSync('b', 'incomplete', fixtureRun({ id: 2, createdAt: '2026-11-22T00:00:00.000Z' })),
  fixtureSync('c', 'failed', fixtureRun({ id: 3, createdAt: '2026-11-21T00:00:00.000Z' })),
  fixtureSync('d', 'in_progress', null),
  fixtureSync('e', 'disabled', null),
]

// Req: SY-03
it('counts syncs by what they need', () => {
  const parts = (['healthy', 'busy', 'attention', 'idle'] as const).map(statesOf)
  expect(parts).toEqual([['healthy'], ['querying', 'preparing', 'queued', 'in_progress'], ['incomplete', 'failed'], ['pending', 'disabled']])
  expect(parts.flat().sort()).toEqual(Object.keys(syncStates).sort())
})

it('puts the newest run first', () => {
  expect(recentRuns(syncs, 2).map(({ run }) => run.id)).toEqual([2, 3])
})

it('puts failed syncs before incomplete ones', () => {
  expect(needingAttention(syncs).map((s) => s.metadata.slug)).toEqual(['c', 'b'])
})

// Req: SY-61
it('wants a look at syncs that alert, whatever their last run did', () => {
  const [a] = syncs
  if (a?.status === undefined) throw new Error('there is no sync')
  const alerting = (slug: string, level: 'warning' | 'critical') => ({
    ...a,
    metadata: { ...a.metadata, slug },
    status: { ...a.status, alerts: { level, active: 1, warning: level === 'warning' ? 1 : 0, critical: level === 'critical' ? 1 : 0 } },
  })
  expect(needingAttention([alerting('w', 'warning'), ...syncs, alerting('x', 'critical')]).map((s) => s.metadata.slug)).toEqual(['c', 'x', 'b', 'w'])
})
