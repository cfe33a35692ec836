import { describe, expect, it } from 'vitest'
import type { SyncType } from '~/services/types'
import { deleteIn, deletesIn } from './words'

const list = {
  slug: 'list',
  name: 'List',
  modes: ['upsert', 'add', 'remove'],
  deletes: ['clear', 'delete'],
  byMode: { add: { deletes: ['remove'], defaultDelete: 'remove' }, remove: { deletes: ['nothing'] } },
} as unknown as SyncType

// Req: SY-15, SY-18
describe('what happens to rows that leave the model', () => {
  it('is what the mode offers, doing nothing first', () => {
    expect(deletesIn(list, 'upsert')).toEqual(['nothing', 'clear', 'delete'])
    expect(deletesIn(list, 'add')).toEqual(['nothing', 'remove'])
    expect(deletesIn(list, 'remove')).toEqual(['nothing'])
  })

  it('stays in another mode that has it, and is what the mode proposes otherwise', () => {
    expect(deleteIn(list, 'upsert', 'delete')).toBe('delete')
    expect(deleteIn(list, 'add', 'delete')).toBe('remove')
    expect(deleteIn(list, 'add', undefined)).toBe('remove')
    expect(deleteIn(list, 'remove', 'remove')).toBe('nothing')
  })
})
