import { describe, expect, it } from 'vitest'
import { briefTime, count, dayWords, duration, exactTime, plural, relativeTime, sentenceList } from './format'

describe('relativeTime', () => {
  const now = new Date('2026-11-24T12:00:00Z')
  const cases: [string, string][] = [
    ['2026-11-24T12:00:00Z', 'just now'],
    ['2026-11-24T11:59:20Z', 'just now'],
    ['2026-11-24T12:00:30Z', 'in a moment'],
    ['2026-11-24T11:59:10Z', '1 minute ago'],
    ['2026-11-24T11:57:00Z', '3 minutes ago'],
    ['2026-11-24T14:00:00Z', 'in 2 hours'],
    ['2026-11-23T12:00:00Z', '1 day ago'],
    ['2026-11-01T12:00:00Z', '3 weeks ago'],
    ['2026-07-24T12:00:00Z', '4 months ago'],
    ['2024-11-24T12:00:00Z', '2 years ago'],
  ]
  it.each(cases)('says how far %s is: %s', (at, words) => {
    expect(relativeTime(new Date(at), now)).toBe(words)
  })
})

describe('duration', () => {
  it.each([
    [0, '0 ms'],
    [840, '840 ms'],
    [1_250, '1.3 s'],
    [12_300, '12 s'],
    [60_000, '1 min'],
    [185_000, '3 min 5 s'],
    [7_800_000, '2 h 10 min'],
    [7_200_000, '2 h'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(duration(ms)).toBe(text)
  })
})

it('writes the exact time with its zone', () => {
  expect(exactTime(new Date('2026-11-24T12:00:05Z'), 'UTC')).toBe('Tue, 24 Nov 2026, 12:00:05 UTC')
})

it('writes moments and days where there is little room', () => {
  expect(briefTime(new Date('2026-11-24T23:05:05Z'), 'Europe/Berlin')).toBe('25 Nov, 00:05')
  expect(dayWords('2026-11-28')).toBe('Sat, 28 Nov 2026')
  expect(dayWords('2026-11-28', true)).toBe('28 Nov')
})

it('groups digits and chooses the noun', () => {
  expect(count(1234567)).toBe('1,234,567')
  expect(plural(1, 'row')).toBe('1 row')
  expect(plural(0, 'row')).toBe('0 rows')
  expect(plural(2, 'query', 'queries')).toBe('2 queries')
})

it('joins words as a sentence does', () => {
  expect(sentenceList([])).toBe('')
  expect(sentenceList(['a'])).toBe('a')
  expect(sentenceList(['a', 'b', 'c'])).toBe('a, b and c')
})
