import { expect, it } from 'vitest'
import type { Mapping, TargetField } from '~/services/types'
import { grouped, matchesSearch, matchingColumns, matchingFields, sectionsOf, withColumn } from './sections'

const field = (name: string, more: Partial<TargetField> = {}): TargetField => ({ name, type: 'string', native: 'text', required: false, match: false, ...more })
const fields = [
  field('native.city', { label: 'City', section: 'Own fields' }),
  field('email', { label: 'Email' }),
  field('custom.plan', { section: 'Custom fields', help: 'What they pay for' }),
  field('native.region', { section: 'Own fields' }),
  field('native.id', { section: 'Own fields', readOnly: true }),
]
const column = (to: string, from: string): Mapping => ({ to, kind: 'column', from })

it('puts mappings and free fields under the headings of the destination, each mapping with its own place', () => {
  const mappings = [column('native.city', 'town'), column('unheard', 'x'), column('email', 'mail')]
  expect(sectionsOf(fields, mappings).map((s) => [s.name, s.rows.map((r) => r.index), s.free.map((f) => f.name), s.fields])).toEqual([
    ['', [1, 2], [], 1],
    ['Own fields', [0], ['native.region'], 3],
    ['Custom fields', [], ['custom.plan'], 1],
  ])
  expect(sectionsOf([], mappings)).toHaveLength(1)
  expect(sectionsOf(fields, [column('', ''), ...mappings]).at(-1)).toMatchObject({ name: '', rows: [{ index: 0 }] })
  expect(sectionsOf([], [column('', ''), ...mappings])[0]?.rows).toHaveLength(4)
})

it('finds fields by name, label, help and heading, columns by name and description', () => {
  expect(matchingFields(fields, 'PAY').map((f) => f.name)).toEqual(['custom.plan'])
  expect(matchingFields(fields, 'own city').map((f) => f.name)).toEqual(['native.city'])
  expect(matchingColumns([{ name: 'a', type: 'string', description: 'Where they live' }, { name: 'b', type: 'string' }], 'live').map((c) => c.name)).toEqual(['a'])
  expect(matchesSearch(column('native.city', 'town'), fields[0], 'own town')).toBe(true)
  expect(matchesSearch(column('native.city', 'town'), fields[0], 'email')).toBe(false)
})

it('groups a pick-list only where the destination has headings', () => {
  expect(grouped([fields[1]!], (f) => f.name)).toEqual(['email'])
  expect(grouped(fields, (f) => f.name)).toEqual(['email', { group: 'Own fields', items: ['native.city', 'native.region', 'native.id'] }, { group: 'Custom fields', items: ['custom.plan'] }])
})

it('fills a field with a column where it stands, or in a new row', () => {
  const mappings: Mapping[] = [{ to: 'email', kind: 'static', value: 'x' }]
  expect(withColumn(mappings, 'email', 'mail')).toEqual([column('email', 'mail')])
  expect(withColumn(mappings, 'city', 'town')).toEqual([mappings[0], column('city', 'town')])
})
