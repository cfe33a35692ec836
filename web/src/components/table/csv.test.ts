import { expect, it } from 'vitest'
import { csvCell, csvOf } from './csv'

it.each([
  ['plain', 'plain'],
  ['a,b', '"a,b"'],
  ['say "hi"', '"say ""hi"""'],
  ['two\nlines', '"two\nlines"'],
  ['=1+1', "'=1+1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['+x, y', `"'+x, y"`],
  ['-5.2', '-5.2'],
  ['-cmd', "'-cmd"],
])('writes %j', (text, cell) => expect(csvCell(text)).toBe(cell))

it('writes a head and a line for each row', () => {
  const columns = [
    { header: 'Name', text: (row: { n: string; c: number }) => row.n },
    { header: 'Count, all', text: (row: { n: string; c: number }) => String(row.c) },
  ]
  expect(csvOf(columns, [{ n: 'Ada', c: 1 }])).toBe('Name,"Count, all"\r\nAda,1\r\n')
})
