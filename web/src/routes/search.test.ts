import { describe, expect, it } from 'vitest'
import { listSearch, modelNewSearch, runSearch, signInSearch, syncNewSearch } from './search'

describe('listSearch', () => {
  it('keeps what it knows and drops the rest', () => {
    expect(listSearch({ search: 'ada', sort: '-updatedAt', status: 'failed', other: 'x', folder: '' })).toEqual({
      search: 'ada',
      sort: '-updatedAt',
      status: ['failed'],
    })
  })
  it('reads numbers as the text that was typed', () => {
    expect(listSearch({ search: 2026 })).toEqual({ search: '2026' })
  })
  it('reads one value as a list, and leaves out what is no text', () => {
    expect(listSearch({ status: ['failed', '', { a: 1 }, 5], label: [], destination: 'crm' })).toEqual({ status: ['failed', '5'], destination: ['crm'] })
  })
  it('refuses a sort that is no column', () => {
    expect(listSearch({ sort: 'name; drop' })).toEqual({})
    expect(listSearch({ sort: { a: 1 } })).toEqual({})
  })
})

it('keeps only steps that exist', () => {
  expect(syncNewSearch({ model: 'vips', step: 'schedule' })).toEqual({ model: 'vips', step: 'schedule' })
  expect(syncNewSearch({ step: 'elsewhere' })).toEqual({})
  expect(modelNewSearch({ method: 'looker', source: 's' })).toEqual({ source: 's' })
})

it('reads the filters of a run', () => {
  expect(runSearch({ tab: 'rejected', operation: 'added', key: 42, row: 0 })).toEqual({
    tab: 'rejected',
    operation: 'added',
    key: '42',
    row: 0,
  })
  expect(runSearch({ tab: 'all', row: -1 })).toEqual({})
})

it.each([
  ['/syncs?search=x', '/syncs?search=x'],
  ['//evil.example', undefined],
  ['/\\evil.example', undefined],
  ['https://evil.example', undefined],
])('follows %s after signing in as %s', (next, want) => {
  expect(signInSearch({ next }).next).toBe(want)
})
