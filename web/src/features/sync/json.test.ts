import { describe, expect, it } from 'vitest'
import { lineAt } from '~/components/code/jsonPlaces'
import type { SyncSpec, SyncType } from '~/services/types'
import { parseSpec, type Context } from './json'

const table: SyncType = {
  slug: 'table',
  name: 'Table',
  modes: ['upsert', 'insert', 'all'],
  deletes: [],
  fields: [{ name: 'table', label: 'Table', type: 'string' }, { name: 'batchSize', label: 'Rows', type: 'number' }],
  match: { modes: ['upsert'] },
  mapping: { enabled: true, required: true, advanced: true, custom: false, allByName: true },
  compare: 'mapped',
}

const current: SyncSpec = {
  model: 'people',
  destination: 'crm',
  type: 'table',
  mode: 'insert',
  match: [{ from: 'id', to: 'customer_id' }],
  mappings: [{ to: 'old', kind: 'column', from: 'old' }],
  settings: { table: 'contacts', batchSize: 50 },
  schedule: { type: 'cron', cron: '0 6 * * *' },
  disabled: true,
}

const context: Context = { current, keep: true, types: [table] }
const read = (value: unknown, more: Partial<Context> = {}) => parseSpec(JSON.stringify(value, null, 2), { ...context, ...more })

// Req: SY-10
describe('a configuration', () => {
  it('is read as it is written', () => {
    const spec = { ...current, mode: 'upsert' }
    expect(read(spec)).toEqual({ spec, problems: [], notes: [], foreign: false })
  })

  it('keeps its schedule where none is written', () => {
    const { schedule: _, disabled: __, ...rest } = current
    expect(read(rest).spec).toEqual(current)
  })

  it('of another sync keeps what belongs to this one, unless it is wanted otherwise', () => {
    const other: SyncSpec = { ...current, model: 'orders', destination: 'shop', mode: 'upsert', schedule: { type: 'manual' }, disabled: false }
    const kept = read(other)
    expect(kept.foreign).toBe(true)
    expect(kept.spec).toEqual({ ...current, mode: 'upsert' })
    expect(read(other, { keep: false }).spec).toEqual(other)
  })

  it.each([
    ['', 1, /./], ['{', 1, /./], ['[]', 1, /JSON object/], ['null', 1, /JSON object/], ['"x"', 1, /JSON object/],
    ['{\n"model":"m",\n"destination":"d",\n"type":"t"\n}', 1, /“mode” is missing/],
    ['{\n"model":"m",\n"destination":7,\n"type":"t",\n"mode":"upsert"\n}', 3, /“destination” is text/],
    ['{\n"model":"m",\n"destination":"d"\n"type":"t"}', 4, /./],
  ])('is refused with the line: %j', (text, line, message) => {
    const { spec, problems } = parseSpec(text, context)
    expect(spec).toBeUndefined()
    expect(problems[0]?.message).toMatch(message)
    expect(lineAt(text, problems[0]?.from ?? -1)).toBe(line)
  })
})

// Req: SY-10
describe('the short form', () => {
  const documented = {
    mode: 'upsert',
    type: 'object',
    fromId: 'track_visitor_id',
    object: 'user',
    mappings: [{ to: 'uuid-western', from: 'uuid' }, { to: 'Trialer Status', from: 'trialer_status' }],
    customMappings: [{ to: 'unique_notification_status', from: 'notify_status' }],
  }

  it('is translated, and what it does not say stays', () => {
    const { spec, problems, notes, foreign } = read(documented)
    expect(problems).toEqual([])
    expect(foreign).toBe(false)
    expect(spec).toEqual({
      ...current,
      mode: 'upsert',
      match: [{ from: 'track_visitor_id', to: 'customer_id' }],
      mappings: [
        { to: 'uuid-western', kind: 'column', from: 'uuid' },
        { to: 'Trialer Status', kind: 'column', from: 'trialer_status' },
        { to: 'unique_notification_status', kind: 'column', from: 'notify_status' },
      ],
      settings: { table: 'user', batchSize: 50 },
      allColumns: undefined,
    })
    expect(notes.join('\n')).toMatch(/“object” is read as “table”[^]*matched by track_visitor_id to customer_id/)
  })

  it('says what it leaves out, and takes settings by their names', () => {
    const { spec, notes } = read({ ...documented, batchSize: 7, archiveOnRemove: true })
    expect(spec?.settings).toEqual({ table: 'user', batchSize: 7 })
    expect(notes.join('\n')).toContain('no such setting: archiveOnRemove')
  })

  it('takes identifierMapping and toId', () => {
    expect(read({ identifierMapping: [{ from: 'user_email', to: 'email' }] }).spec?.match).toEqual([{ from: 'user_email', to: 'email' }])
    expect(read({ fromId: 'a', toId: 'b' }).spec?.match).toEqual([{ from: 'a', to: 'b' }])
    expect(read({ fromId: 'a' }, { current: { ...current, match: [] } }).spec?.match).toEqual([{ from: 'a', to: 'a' }])
  })

  it('calls the mode mirror all', () => expect(read({ fromId: 'a', mode: 'mirror' }).spec?.mode).toBe('all'))

  it.each([
    [{ ...documented, mode: 'archive' }, 'no mode “archive”'],
    [{ ...documented, mode: 'upsrt' }, 'There is no mode “upsrt”'],
    [{ ...documented, mappings: [{ to: 'x' }] }, 'from which column'],
    [{ ...documented, mappings: 'all' }, '“mappings” is a list'],
    [{ ...documented, customMappings: [{ to: 'uuid-western', from: 'x' }] }, 'mapped twice'],
  ])('is refused with a reason: %j', (value, message) => {
    const { spec, problems } = read(value)
    expect(spec).toBeUndefined()
    expect(problems[0]?.message).toContain(message)
    expect(problems[0]?.to).toBeGreaterThan(problems[0]?.from ?? 0)
  })
})
