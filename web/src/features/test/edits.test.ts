import { expect, it } from 'vitest'
import type { TestColumn } from '~/services/types'
import { editOf, editProblem, textToEdit, typeToEdit, withEdit } from './edits'

const column = (type: TestColumn['type']): TestColumn => ({ name: 'c', type, nullable: true, used: true })

// Req: SY-11
it('begins with the type that a column has, and with null where there is nothing', () => {
  expect(typeToEdit(column('date'), '2026-01-01')).toBe('date')
  expect(typeToEdit(column('number'), null)).toBe('null')
  expect(textToEdit({ a: [1] })).toBe('{"a":[1]}')
  expect(textToEdit(null)).toBe('')
})

it('sends text with its type, and null as null', () => {
  expect(editOf('number', '1.50')).toEqual({ type: 'number', value: '1.50' })
  expect(editOf('null', 'whatever')).toEqual({ type: 'string', value: null })
})

it.each([
  ['number', '12', true], ['number', '-1.5e3', true], ['number', '.5', true], ['number', 'many', false], ['number', '', false], ['number', '1_000', false],
  ['boolean', 'true', true], ['boolean', 'yes', false],
  ['object', '{"a":1}', true], ['object', '[1]', true], ['object', '1', false], ['object', '{', false],
  ['string', '', true], ['timestamp', 'whatever', true], ['null', '', true],
] as const)('judges %s %j', (type, text, good) => {
  expect(editProblem(type, text) === undefined).toBe(good)
})

it('keeps the edits of other columns', () => {
  const edits = { a: editOf('string', 'x') }
  expect(withEdit(withEdit(edits, 'b', editOf('string', 'y')), 'a', undefined)).toEqual({ b: { type: 'string', value: 'y' } })
})
