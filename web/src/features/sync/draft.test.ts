import { describe, expect, it } from 'vitest'
import type { DestinationInfo, SyncType, TargetField } from '~/services/types'
import { cleanSpec, freshSpec, isConfigured, specProblems, withType } from './draft'

const objects: SyncType = {
  slug: 'object',
  name: 'Objects',
  modes: ['upsert', 'insert'],
  deletes: ['nothing', 'delete'],
  fields: [{ name: 'table', label: 'Table', type: 'string', required: true }],
  match: { modes: ['upsert'] },
  mapping: { enabled: true, required: true, advanced: true, custom: false, allByName: false },
  compare: 'mapped',
}
const requests: SyncType = {
  slug: 'request',
  name: 'Requests',
  modes: ['trigger'],
  deletes: [],
  fields: null,
  match: {},
  mapping: { enabled: false, required: false, advanced: false, custom: false, allByName: false },
  compare: 'all',
}
const info: DestinationInfo = {
  slug: 'd',
  name: 'D',
  category: 'database',
  summary: '',
  fields: [],
  syncTypes: [objects, requests],
  verified: true,
  tunnels: false,
  tier: 'native',
  specChecked: false,
}
const fields: TargetField[] = [
  { name: 'id', type: 'string', native: 'text', required: true, match: true },
  { name: 'email', type: 'string', native: 'text', required: false, match: false },
]
const columns = [
  { name: 'customer_id', type: 'string' as const },
  { name: 'email', type: 'string' as const },
]

it('starts with the first type and its first mode', () => {
  expect(freshSpec('m', 'd', info)).toMatchObject({ type: 'object', mode: 'upsert', delete: 'nothing', schedule: { type: 'manual' } })
})

it('drops what only the old type knew', () => {
  const before = { ...freshSpec('m', 'd', info), mappings: [{ to: 'id', from: 'x' }], settings: { table: 't' } }
  expect(withType(before, requests)).toMatchObject({ type: 'request', mode: 'trigger', mappings: [], settings: {} })
})

// Req: SY-09, SY-21
describe('specProblems', () => {
  const spec = freshSpec('m', 'd', info)
  it('asks for settings, matching and mappings', () => {
    const found = specProblems(spec, objects, columns, fields)
    expect(found.settings).toEqual({ table: 'Table is required.' })
    expect(found.match).toBeDefined()
    expect(found.mapping).toBeDefined()
    expect(isConfigured(found)).toBe(false)
  })
  it('counts a required field as filled when rows are matched by it', () => {
    const done = {
      ...spec,
      settings: { table: 't' },
      match: [{ from: 'customer_id', to: 'id' }],
      mappings: [{ to: 'email', from: 'email' }],
    }
    expect(isConfigured(specProblems(done, objects, columns, fields))).toBe(true)
  })
  it('asks for no match in a mode without one', () => {
    expect(specProblems({ ...spec, mode: 'insert' }, objects, columns, fields).match).toBeUndefined()
  })
})

it('sends only what the type and mode have', () => {
  const spec = { ...freshSpec('m', 'd', info), mode: 'insert' as const, match: [{ from: 'a', to: 'b' }], settings: { table: 't', other: 1 } }
  expect(cleanSpec(spec, objects)).toMatchObject({ match: [], settings: { table: 't' } })
  expect(cleanSpec(spec, requests).delete).toBeUndefined()
})
