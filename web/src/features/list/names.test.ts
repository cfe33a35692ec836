import { expect, it } from 'vitest'
import { someNames } from './BulkDialogs'

it.each([
  [['a'], 'a'],
  [['a', 'b'], 'a and b'],
  [['a', 'b', 'c', 'd', 'e', 'f', 'g'], 'a, b, c, d, e and 2 more'],
])('names %j', (names, words) => expect(someNames(names)).toBe(words))
