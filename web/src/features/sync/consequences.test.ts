import { expect, it } from 'vitest'
import type { SyncSpec, SyncType } from '~/services/types'
import { consequences, lostColumns } from './consequences'

const spec: SyncSpec = {
  model: 'm', destination: 'd', type: 'table', mode: 'upsert', match: [{ from: 'id', to: 'id' }],
  mappings: [{ to: 'name', kind: 'column', from: 'name' }], settings: { table: 'people', batch: 5 }, schedule: { type: 'manual' }, disabled: false,
}
const type = { slug: 'table', fields: [{ name: 'table', label: 'Table', type: 'string', target: true }, { name: 'batch', label: 'Batch', type: 'number' }] } as unknown as SyncType
const after = (more: Partial<SyncSpec>) => consequences(spec, { ...spec, ...more }, type, true).join(' ')

// Req: SY-36
it('says that another mapping sends every row again, and in insert mode none', () => {
  const mappings = [{ to: 'name', kind: 'column' as const, from: 'full_name' }]
  expect(after({ mappings })).toContain('sends every row of the model again as changed')
  expect(after({ match: [{ from: 'email', to: 'id' }] })).toContain('sends every row')
  expect(after({ mappings, mode: 'insert' })).toContain('not sent again')
  expect(after({ mappings, mode: 'all' })).toBe('')
  expect(consequences(spec, { ...spec, mappings }, type, false)).toEqual([])
})

it('says nothing where nothing changes for rows', () => {
  expect(after({})).toBe('')
  expect(after({ schedule: { type: 'cron', cron: '0 6 * * *' }, disabled: true, allColumns: false, settings: { table: 'people', batch: 9 } })).toBe('')
  expect(consequences({ ...spec, match: [] }, { ...spec, match: undefined }, type, true)).toEqual([])
})

it('says what another place asks for', () => {
  expect(after({ settings: { table: 'leads', batch: 5 } })).toContain('full resync or a CDC reset')
  expect(after({ destination: 'other' })).toContain('full resync or a CDC reset')
})

// Req: SY-15, SY-79
it('says from when a delete behavior counts, and that removals are given up', () => {
  expect(after({ delete: 'delete' })).toContain('from now on are acted on')
  expect(consequences({ ...spec, delete: 'delete' }, spec, type, true).join(' ')).toContain('removals that were refused are not tried again')
  expect(consequences({ ...spec, delete: 'delete' }, { ...spec, delete: 'clear' }, type, true)).toEqual([])
})

// Req: SY-37
it('finds the columns that the model has lost', () => {
  const mappings = [...(spec.mappings ?? []), { to: 'x', kind: 'template' as const, template: '{{ row.gone }}' }, { to: 'y', kind: 'array' as const, from: 'items', fields: [] }]
  expect(lostColumns({ match: spec.match, mappings }, [{ name: 'id' }])).toEqual(['name', 'items'])
  expect(lostColumns(spec, [])).toEqual([])
  expect(lostColumns(spec, [{ name: 'id' }, { name: 'name' }])).toEqual([])
})
