import { describe, expect, it } from 'vitest'
import type { Preview } from '~/services/types'
import { canPreview, columnsOf, emptyWorkaround, guessKey, isSlow, keyProblem, rowsKey, specOf, type RowsDraft } from './draft'

const preview: Preview = {
  columns: [
    { name: 'tier', type: 'string', nullable: true },
    { name: 'email', type: 'string', nullable: true },
    { name: 'customer_id', type: 'number', nullable: true },
    { name: 'phone', type: 'string', nullable: true },
  ],
  rows: [
    ['gold', 'a@example.com', 1, null],
    ['gold', 'b@example.com', 2, '+1'],
  ],
  rowCount: null,
  truncated: false,
  castFailed: [],
  durationMs: 3,
}

const draft = (more: Partial<RowsDraft>): RowsDraft => ({ source: 's', method: 'sql', sql: '', table: undefined, ...more })

// Req: M-03
describe('the primary key', () => {
  it('is guessed among the columns that are unique and never null', () => {
    expect(guessKey(preview)).toBe('customer_id')
    expect(guessKey({ ...preview, columns: [], rows: [] })).toBe('')
  })
  it('is judged by the preview', () => {
    expect(keyProblem(preview, 'email')).toBeUndefined()
    expect(keyProblem(preview, 'tier')).toContain('duplicates')
    expect(keyProblem(preview, 'phone')).toContain('nulls')
    expect(keyProblem(preview, '')).toContain('Choose')
  })
})

// Req: M-19
it('offers a row for an empty result that fits its types', () => {
  expect(emptyWorkaround(preview)).toBe("UNION ALL SELECT 'ignore', 'ignore', null, 'ignore'")
})

// Req: S-52
it('saves the columns and types that the preview has, whatever was known before', () => {
  const before = [
    { name: 'tier', type: 'number' as const, native: 'INT64' },
    { name: 'gone', type: 'string' as const },
  ]
  const saved = specOf(draft({ sql: 'SELECT 1' }), 'customer_id', columnsOf(preview, before), '').columns
  expect(saved?.map((c) => `${c.name} ${c.type}`)).toEqual(['tier string', 'email string', 'customer_id number', 'phone string'])
  expect(saved?.[0]?.native).toBeUndefined()
})

// Req: M-25
it('keeps casts of columns that stay', () => {
  const before = [
    { name: 'email', type: 'string' as const, cast: 'object' as const, override: 'Work address' },
    { name: 'gone', type: 'string' as const, cast: 'number' as const },
  ]
  expect(columnsOf(preview, before)[1]).toEqual({ name: 'email', type: 'string', native: undefined, description: undefined, cast: 'object', override: 'Work address' })
  expect(columnsOf(preview, before).map((c) => c.name)).not.toContain('gone')
})

// Req: M-13
it('knows when there is something to preview, and when a preview is out of date', () => {
  expect(canPreview(draft({ sql: ' ' }))).toBe(false)
  expect(canPreview(draft({ sql: 'SELECT 1' }))).toBe(true)
  expect(canPreview(draft({ method: 'table' }))).toBe(false)
  expect(rowsKey(draft({ sql: 'SELECT 1 ' }))).toBe(rowsKey(draft({ sql: 'SELECT 1', table: { name: 'x' } })))
  expect(rowsKey(draft({ sql: 'SELECT 1' }))).not.toBe(rowsKey(draft({ sql: 'SELECT 2' })))
})

// Req: S-78, S-83, S-84
it('describes rows by a file or a sheet', () => {
  expect(canPreview(draft({ method: 'file' }))).toBe(false)
  expect(canPreview(draft({ method: 'file', file: { path: ' ' } }))).toBe(false)
  expect(canPreview(draft({ method: 'file', file: { path: '', newest: true } }))).toBe(true)
  expect(canPreview(draft({ method: 'sheet', sheet: { workbook: 'b', name: '' } }))).toBe(false)
  expect(canPreview(draft({ method: 'sheet', sheet: { name: 'First' } }))).toBe(true)
  expect(rowsKey(draft({ method: 'file', file: { path: 'a.csv' } }))).not.toBe(rowsKey(draft({ method: 'file', file: { path: 'b.csv' } })))
  const spec = specOf(draft({ method: 'file', sql: 'SELECT 1', file: { path: 'a.csv' } }), 'id', [], '')
  expect(spec).toEqual({ source: 's', method: 'file', file: { path: 'a.csv' }, primaryKey: 'id', columns: [], description: '' })
})

// Req: DBT-03, DBT-04
it('describes rows by a model of dbt', () => {
  expect(canPreview(draft({ method: 'dbt' }))).toBe(false)
  expect(canPreview(draft({ method: 'dbt', dbt: { project: 'main', node: '' } }))).toBe(false)
  const chosen = draft({ method: 'dbt', sql: 'SELECT 1', dbt: { project: 'main', node: 'model.shop.people' } })
  expect(canPreview(chosen)).toBe(true)
  expect(rowsKey(chosen)).not.toBe(rowsKey({ ...chosen, dbt: { project: 'main', node: 'model.shop.people', read: 'sql' } }))
  expect(specOf(chosen, 'id', [], '')).toEqual({ source: 's', method: 'dbt', dbt: chosen.dbt, primaryKey: 'id', columns: [], description: '' })
})

// Req: S-92
it('calls a model slow that takes long for a few rows', () => {
  const rows = (n: number) => Array.from({ length: n }, () => ['x'])
  expect(isSlow({ durationMs: 9_999, rows: rows(3) })).toBe(false)
  expect(isSlow({ durationMs: 10_000, rows: rows(100) })).toBe(true)
  expect(isSlow({ durationMs: 60_000, rows: rows(101) })).toBe(false)
})
