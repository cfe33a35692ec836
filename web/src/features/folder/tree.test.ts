import { describe, expect, it } from 'vitest'
import type { Folder } from '~/services/types'
import { branchesOf, nameProblem, parentOf, stepOf, visible } from './tree'

const folder = (path: string, syncs = 0, models = 0): Folder => ({ path, count: syncs + models, kinds: { sync: syncs, model: models } })
const folders = [folder('Sales', 2, 1), folder('Sales 2'), folder('Sales/EU', 3), folder('Sales/EU/North', 1), folder('Ads', 0, 4)]
const branches = branchesOf(folders, 'sync')

it('puts folders after the one that they lie in, and sums what they hold', () => {
  expect(branches.map(({ path, total, level, hasFolders }) => [path, total, level, hasFolders])).toEqual([
    ['Ads', 0, 1, false],
    ['Sales', 6, 1, true],
    ['Sales/EU', 4, 2, true],
    ['Sales/EU/North', 1, 3, false],
    ['Sales 2', 0, 1, false],
  ])
})

it('hides what lies in a closed folder, and not what only begins alike', () => {
  expect(visible(branches, new Set(['Sales'])).map(({ path }) => path)).toEqual(['Ads', 'Sales', 'Sales 2'])
  expect(visible(branches, new Set(['Sales/EU'])).map(({ path }) => path)).toEqual(['Ads', 'Sales', 'Sales/EU', 'Sales 2'])
})

describe('stepOf', () => {
  const step = (key: string, at: string, closed: string[] = []) => stepOf(key, at, visible(branches, new Set(closed)), new Set(closed))
  it('goes up and down among what is in sight', () => {
    expect(step('ArrowDown', 'Sales', ['Sales'])).toEqual({ to: 'Sales 2' })
    expect(step('ArrowUp', 'Sales')).toEqual({ to: 'Ads' })
    expect(step('ArrowUp', 'Ads')).toBeUndefined()
    expect(step('End', 'Ads')).toEqual({ to: 'Sales 2' })
  })
  it('opens, closes, and goes in and out', () => {
    expect(step('ArrowRight', 'Sales', ['Sales'])).toEqual({ open: 'Sales' })
    expect(step('ArrowRight', 'Sales')).toEqual({ to: 'Sales/EU' })
    expect(step('ArrowRight', 'Ads')).toBeUndefined()
    expect(step('ArrowLeft', 'Sales')).toEqual({ close: 'Sales' })
    expect(step('ArrowLeft', 'Sales/EU/North')).toEqual({ to: 'Sales/EU' })
  })
})

it('knows where a folder lies, and what no name is', () => {
  expect(parentOf('a/b/c')).toBe('a/b')
  expect(parentOf('a')).toBeUndefined()
  expect(nameProblem('a/b')).toMatch(/slash/)
  expect(nameProblem('EU')).toBeUndefined()
})
