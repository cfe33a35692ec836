import { expect, it } from 'vitest'
import { byCategory, categoriesOf, categoryWords, type CatalogEntry } from './catalog'

const entry = (slug: string, category: string, sample = false): CatalogEntry => ({
  slug,
  name: slug,
  category,
  summary: '',
  verified: true,
  sample,
})

const entries = [entry('sample-b2c', 'sample', true), entry('postgres', 'database'), entry('csv', 'file'), entry('duckdb', 'database'), entry('snowflake', 'warehouse')]

// Req: S-01, S-85
it('groups by category, warehouses first and sample datasets last', () => {
  expect(byCategory(entries, '').map((g) => [g.category, g.entries.map((e) => e.slug)])).toEqual([
    ['warehouse', ['snowflake']],
    ['database', ['postgres', 'duckdb']],
    ['file', ['csv']],
    ['Sample datasets', ['sample-b2c']],
  ])
})

it('calls categories by what people call them', () => {
  expect(['file_storage', 'crm', 'queue_stream', 'ads'].map(categoryWords)).toEqual(['File storage', 'CRM', 'Queues and streams', 'Ads'])
  expect(categoriesOf(entries)).toEqual(['warehouse', 'database', 'file', 'Sample datasets'])
})

it('finds by any word', () => {
  expect(byCategory(entries, 'POST').flatMap((g) => g.entries.map((e) => e.slug))).toEqual(['postgres'])
  expect(byCategory(entries, 'nothing')).toEqual([])
})
