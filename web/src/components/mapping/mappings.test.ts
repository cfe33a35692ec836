import { describe, expect, it } from 'vitest'
import type { Mapping, ModelColumn, TargetField } from '~/services/types'
import {
  asStaticType,
  isComplete,
  itemProperties,
  kindsAt,
  listsOfObjects,
  mapAllByName,
  mappingProblems,
  mergeSuggestions,
  nullPolicy,
  staticType,
  unmappedFields,
  withKind,
  withNullPolicy,
  withTarget,
} from './mappings'

const columns: ModelColumn[] = [
  { name: 'customer_id', type: 'string' },
  { name: 'email_address', type: 'string' },
  { name: 'ltv', type: 'number' },
]
const field = (name: string, more: Partial<TargetField> = {}): TargetField => ({
  name,
  type: 'string',
  native: 'text',
  required: false,
  match: false,
  ...more,
})

// Req: SY-23
describe('mergeSuggestions', () => {
  it('keeps what the person mapped and fills the rest, best first', () => {
    const mine: Mapping[] = [{ to: 'Email', kind: 'static', value: 'x' }, { to: '', kind: 'column', from: '' }]
    const merged = mergeSuggestions(mine, [
      { to: 'Email', from: 'email_address', score: 0.8 },
      { to: 'Value', from: 'customer_id', score: 0.4 },
      { to: 'Value', from: 'ltv', score: 0.9 },
    ])
    expect(merged).toEqual([
      { to: 'Email', kind: 'static', value: 'x' },
      { to: 'Value', kind: 'column', from: 'ltv' },
    ])
  })
})

it('maps every column under its own name once', () => {
  expect(mapAllByName([{ to: 'LTV', from: 'ltv' }], columns).map((m) => m.to)).toEqual([
    'LTV',
    'customer_id',
    'email_address',
  ])
})

// Req: SY-26
it.each([
  ['12', 'number', 12],
  ['abc', 'number', 0],
  ['true', 'boolean', true],
  ['no', 'boolean', false],
  ['x', 'null', null],
  [12, 'string', '12'],
  [null, 'string', ''],
] as const)('carries %j over to %s as %j', (value, type, want) => {
  expect(asStaticType(value, type)).toBe(want)
  expect(staticType(want)).toBe(type)
})

// Req: SY-24
describe('withKind', () => {
  it('drops what the old kind held', () => {
    const mapping: Mapping = { to: 'a', kind: 'column', from: 'ltv', omitNull: true }
    expect(withKind(mapping, 'template')).toEqual({ to: 'a', kind: 'template', template: '' })
    expect(withKind(mapping, 'static')).toEqual({ to: 'a', kind: 'static', value: '' })
  })
})

it('knows when a mapping is complete', () => {
  expect(isComplete({ to: 'a', from: 'b' })).toBe(true)
  expect(isComplete({ to: '', from: 'b' })).toBe(false)
  expect(isComplete({ to: 'a', kind: 'static', value: null })).toBe(true)
  expect(isComplete({ to: 'a', kind: 'template', template: ' ' })).toBe(false)
})

it('offers only fields that are free and can be written', () => {
  const fields = [field('a'), field('b', { readOnly: true }), field('c')]
  expect(unmappedFields(fields, [{ to: 'a', from: 'ltv' }]).map((f) => f.name)).toEqual(['c'])
})

it('finds what is wrong with mappings', () => {
  const found = mappingProblems(
    [
      { to: 'email', from: 'email_address' },
      { to: 'email', from: 'ltv' },
      { to: 'x', from: 'gone' },
      { to: '', from: 'ltv' },
      { to: 'y', from: '' },
    ],
    columns,
    [field('email'), field('id', { required: true, label: 'Customer ID' })],
  )
  expect(found.rows).toEqual({
    1: 'email is mapped twice.',
    2: 'The model has no column gone.',
    3: 'Choose a destination field.',
    4: 'Choose what the field is filled with.',
  })
  expect(found.missing).toEqual(['Customer ID'])
})

// Req: SY-33, SY-34
describe('inline objects and arrays', () => {
  const object: Mapping = { to: 'o', kind: 'object', fields: [{ to: 'a', from: 'ltv' }, { to: 'b', from: 'gone' }] }
  it('are complete when all their members are', () => {
    expect(isComplete(object)).toBe(true)
    expect(isComplete({ ...object, fields: [{ to: '', from: 'ltv' }] })).toBe(false)
    expect(isComplete({ ...object, fields: [] })).toBe(false)
    expect(isComplete({ to: 'a', kind: 'array', fields: [{ to: 'x', from: 'y' }] })).toBe(false)
  })
  it('name columns in objects, and properties in arrays', () => {
    const array: Mapping = { ...object, kind: 'array', from: 'ltv' }
    expect(mappingProblems([object, { ...array, to: 'p' }], columns, []).rows).toEqual({ 0: 'In o: The model has no column gone.' })
  })
  it('are chosen by the field’s type where nothing fills it yet', () => {
    expect(withTarget({ to: '', kind: 'column', from: '' }, 'items', 'array', kindsAt(0))).toEqual({ to: 'items', kind: 'array', from: '', fields: [] })
    expect(withTarget({ to: '', kind: 'column', from: 'ltv' }, 'items', 'array', kindsAt(0)).kind).toBe('column')
    expect(withTarget({ to: '', kind: 'column', from: '' }, 'items', 'object', ['column']).kind).toBe('column')
  })
  it('nest two deep', () => {
    expect(kindsAt(1)).toContain('object')
    expect(kindsAt(2)).not.toContain('object')
  })
  it('offer what the rows show', () => {
    const properties = [
      { name: 'lines', shape: 'objects' as const, properties: [{ name: 'sku', shape: 'scalar' as const, type: 'string', properties: [] }] },
      { name: 'home', shape: 'object' as const, properties: [] },
    ]
    expect(listsOfObjects(properties)).toEqual(['lines'])
    expect(itemProperties(properties, 'lines').map((p) => p.name)).toEqual(['sku'])
    expect(itemProperties(properties, 'gone')).toEqual([])
  })
})

// Req: SY-25, FLD-19
it('sends a null, leaves it out, or clears the field', () => {
  const mapping: Mapping = { to: 'a', from: 'ltv' }
  for (const policy of ['send', 'omit', 'clear'] as const) expect(nullPolicy(withNullPolicy({ ...mapping, omitNull: true }, policy))).toBe(policy)
  expect(withNullPolicy({ ...mapping, clearNull: true }, 'omit')).toEqual({ ...mapping, omitNull: true })
})
