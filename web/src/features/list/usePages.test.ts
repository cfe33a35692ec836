import { expect, it } from 'vitest'
import { laterPages } from './usePages'

it.each([
  [0, 20, []],
  [90, 110, [1]],
  [250, 270, [2]],
  [195, 305, [1, 2, 3]],
])('rows %i to %i lie on the pages %j beside the first', (first, last, pages) => expect(laterPages(first, last)).toEqual(pages))
