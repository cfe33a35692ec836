import { expect, it } from 'vitest'
import { countMatches, pretty, splitMatches } from './pretty'

it('lays out JSON and leaves other text alone', () => {
  expect(pretty('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}')
  expect(pretty('INSERT INTO t')).toBe('INSERT INTO t')
})

it('marks every place that a search finds', () => {
  expect(splitMatches('Ada and ada', 'ADA')).toEqual([
    { text: 'Ada', match: true },
    { text: ' and ', match: false },
    { text: 'ada', match: true },
  ])
  expect(splitMatches('Ada', ' ')).toEqual([{ text: 'Ada', match: false }])
  expect(splitMatches('Ada', 'x')).toEqual([{ text: 'Ada', match: false }])
})

it('counts the places in all texts, as they are laid out', () => {
  expect(countMatches(['{"ada":"Ada"}', 'adaada', ''], 'ada')).toBe(4)
  expect(countMatches(['{"a":1}'], '"a": 1')).toBe(1)
  expect(countMatches(['Ada'], ' ')).toBe(0)
})
