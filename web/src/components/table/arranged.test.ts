import { expect, it } from 'vitest'
import { arranged } from './arranged'
import type { Column } from './DataTable'

interface Row {
  name: string
  used: number
}

const columns: Column<Row>[] = [
  { id: 'sign', header: '', cell: () => null },
  { id: 'name', header: 'Name', sort: 'name', text: ({ name }) => name, cell: () => null },
  { id: 'used', header: 'Used', sort: 'used', text: ({ used }) => `${used} documents`, cell: () => null },
  { id: 'made', header: 'Made', sort: 'made', order: ({ used }) => `2026-01-${10 + used}`, cell: () => null },
]
const rows: Row[] = [{ name: 'beta 10', used: 9 }, { name: 'Alpha', used: 10 }, { name: 'beta 9', used: 0 }]
const names = (search: Parameters<typeof arranged>[2]) => arranged(rows, columns, search).map(({ name }) => name)

it('sorts by what a column says, numbers as numbers', () => {
  expect(names({})).toEqual(['Alpha', 'beta 9', 'beta 10'])
  expect(names({ sort: '-name' })).toEqual(['beta 10', 'beta 9', 'Alpha'])
  expect(names({ sort: 'used' })).toEqual(['beta 9', 'beta 10', 'Alpha'])
  expect(names({ sort: '-made' })).toEqual(['Alpha', 'beta 10', 'beta 9'])
  expect(names({ sort: 'nothing' })).toEqual(['beta 10', 'Alpha', 'beta 9'])
})

it('finds rows by all the words that were typed, in any column', () => {
  expect(names({ search: 'BETA' })).toEqual(['beta 9', 'beta 10'])
  expect(names({ search: 'beta 10 documents' })).toEqual(['beta 10'])
  expect(names({ search: 'gamma' })).toEqual([])
  expect(names({ search: '2026' })).toEqual([])
})
