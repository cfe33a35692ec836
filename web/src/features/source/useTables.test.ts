import { expect, it } from 'vitest'
import { refreshWords } from './useTables'

const model = (drifted: boolean, error?: boolean) => ({ slug: 'm', name: 'M', drifted, ...(error === true && { error: { code: 'source.query_failed', message: 'no' } }) })

// Req: M-15
it('says what a refresh of a source found', () => {
  const at = '2026-11-20T10:00:00.000Z'
  expect(refreshWords({ tables: 3, refreshedAt: at, models: [model(false)] })).toBe('3 tables and views were read.')
  expect(refreshWords({ tables: 12, refreshedAt: at, models: [model(true), model(true), model(false, true)] })).toBe(
    '12 tables and views were read; 2 models have columns that changed, the source refuses the query of 1 model.',
  )
})
