import { expect, it } from 'vitest'
import { keptChoice, leastWidth, shownColumns, toggled } from './columns'
import type { Column } from './DataTable'

const columns: Column<unknown>[] = [
  { id: 'status', header: 'Status', width: 120, cell: () => null },
  { id: 'name', header: 'Name', fill: true, cell: () => null },
  { id: 'labels', header: 'Labels', extra: true, cell: () => null },
]
const ids = (chosen?: string[]) => shownColumns(columns, chosen).map(({ id }) => id)

it('leaves extra columns out until they are chosen, and never the one that names the row', () => {
  expect(ids()).toEqual(['status', 'name'])
  expect(ids(['labels'])).toEqual(['name', 'labels'])
  expect(ids([])).toEqual(['name'])
})

it('keeps the order of the columns, whatever the order of the choice', () => {
  expect(toggled(columns, undefined, 'labels')).toEqual(['status', 'name', 'labels'])
  expect(toggled(columns, ['labels', 'status'], 'status')).toEqual(['name', 'labels'])
})

it('knows how wide the columns are together', () => expect(leastWidth(columns)).toBe(120 + 220 + 140))

it.each([
  ['["a"]', ['a']],
  ['[1]', undefined],
  ['{', undefined],
  [null, undefined],
])('reads %j of what the browser keeps', (text, choice) => expect(keptChoice(text)).toEqual(choice))
