import { expect, it } from 'vitest'
import { switched } from './useSelection'

const row = (slug: string) => ({ slug, name: slug.toUpperCase() })

it('switches one, or all between two', () => {
  const one = switched(new Map(), row('b'), [])
  expect([...one]).toEqual([['b', 'B']])
  const span = switched(one, row('d'), [row('b'), row('c'), row('d')])
  expect([...span.keys()].toSorted()).toEqual(['b', 'c', 'd'])
  expect([...switched(span, row('c'), []).keys()].toSorted()).toEqual(['b', 'd'])
  expect([...switched(span, row('d'), [row('b'), row('c'), row('d')]).keys()]).toEqual([])
})
