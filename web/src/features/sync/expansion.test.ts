import { describe, expect, it } from 'vitest'
import type { Arrays, SyncSpec } from '~/services/types'
import { consequences, lostColumns } from './consequences'
import { columnsOf, elementColumn, withMatch } from './expansion'
import { parseSpec } from './json'

const arrays: Arrays = {
  available: true,
  items: ['devices', 'mails'].map((column) => ({ column, element: elementColumn(column) })),
}
const spec: SyncSpec = {
  model: 'm',
  destination: 'd',
  type: 'record',
  mode: 'upsert',
  match: [{ from: 'id', to: 'external_id' }],
  mappings: [{ to: 'name', from: 'name' }],
  schedule: { type: 'manual' },
  disabled: false,
}
const expanded: SyncSpec = { ...spec, arrayExpansionSourceColumn: 'devices', match: [{ from: '_ht_devices_element', to: 'external_id' }] }

// Req: SY-89
describe('withMatch', () => {
  it('expands a column of arrays that rows are matched by', () => {
    expect(withMatch(spec, [{ from: 'devices', to: 'external_id' }], arrays)).toEqual(expanded)
  })

  it('keeps one pair, since one array can be expanded', () => {
    const pairs = [...(spec.match ?? []), { from: 'devices', to: 'device' }]
    expect(withMatch(spec, pairs, arrays)).toMatchObject({ match: [{ from: '_ht_devices_element', to: 'device' }] })
  })

  it('keeps the expansion while the field of the destination changes', () => {
    expect(withMatch(expanded, [{ from: '_ht_devices_element', to: 'other' }], arrays)).toMatchObject({
      arrayExpansionSourceColumn: 'devices',
      match: [{ from: '_ht_devices_element', to: 'other' }],
    })
  })

  it('is undone by another column, and mappings of the element read the array again', () => {
    const mapped: SyncSpec = {
      ...expanded,
      mappings: [
        { to: 'device', from: '_ht_devices_element' },
        { to: 'o', kind: 'object', fields: [{ to: 'device', from: '_ht_devices_element' }, { to: 'name', from: 'name' }] },
      ],
    }
    expect(withMatch(mapped, [{ from: 'id', to: 'external_id' }], arrays)).toEqual({
      ...spec,
      mappings: [
        { to: 'device', from: 'devices' },
        { to: 'o', kind: 'object', fields: [{ to: 'device', from: 'devices' }, { to: 'name', from: 'name' }] },
      ],
    })
  })

  it('goes over to another array', () => {
    expect(withMatch(expanded, [{ from: 'mails', to: 'external_id' }], arrays)).toMatchObject({
      arrayExpansionSourceColumn: 'mails',
      match: [{ from: '_ht_mails_element', to: 'external_id' }],
    })
  })

  it('leaves a source on the Basic engine as it is', () => {
    const match = [{ from: 'devices', to: 'external_id' }]
    expect(withMatch(spec, match, { ...arrays, available: false })).toEqual({ ...spec, match })
    expect(withMatch(spec, match, undefined)).toEqual({ ...spec, match })
  })
})

// Req: SY-89, SY-37
it('knows the column of the elements', () => {
  const columns = [{ name: 'devices', type: 'object' as const }, { name: 'name', type: 'string' as const }]
  expect(columnsOf(expanded, columns).map((c) => c.name)).toEqual(['devices', 'name', '_ht_devices_element'])
  expect(columnsOf(spec, columns)).toEqual(columns)
  expect(lostColumns(expanded, columns)).toEqual([])
  expect(lostColumns(expanded, [{ name: 'name' }])).toEqual(['devices'])
})

// Req: SY-89, M-07
it('says that the rows are other ones', () => {
  expect(consequences(spec, expanded, undefined, true)).toEqual([
    'From the next run on, the rows are the elements of devices, identified by _ht_devices_element. It sends every one of them as added. What was sent before stays in the destination.',
  ])
  expect(consequences(expanded, spec, undefined, true)[0]).toContain('the model’s own rows')
  expect(consequences(expanded, expanded, undefined, true)).toEqual([])
})

// Req: SY-10, SY-89
it('reads the short form of a configuration', () => {
  const read = (config: object, current = spec) => parseSpec(JSON.stringify(config), { current, keep: true, types: [] }).spec
  expect(read({ fromId: 'devices', arrayExpansionSourceColumn: 'devices' })).toMatchObject({
    arrayExpansionSourceColumn: 'devices',
    match: [{ from: '_ht_devices_element', to: 'external_id' }],
  })
  expect(read({ fromId: 'id' }, expanded)?.arrayExpansionSourceColumn).toBeUndefined()
})
