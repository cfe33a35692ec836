import { expect, it } from 'vitest'
import { wordAt } from './mark'

it('marks the word at a place', () => {
  expect(wordAt('SELECT nam FROM t', 7)).toBe('nam')
  expect(wordAt('SELECT t."first ""name""", x', 7)).toBe('t.')
  expect(wordAt('SELECT "first ""name""", x', 7)).toBe('"first ""name"""')
  expect(wordAt('SELECT größe', 7)).toBe('größe')
  expect(wordAt('SELECT (', 7)).toBe('(')
  expect(wordAt('SELECT', 6)).toBe('')
})
