import { describe, expect, it } from 'vitest'
import type { Point, Series } from './types'
import { pointWords, summaryWords, tickWords, valueWords } from './words'

const series: Series[] = [
  { id: 'sent', label: 'Sent', look: 'first' },
  { id: 'rejected', label: 'Rejected', look: 'bad' },
]
const day = (title: string, sent: number | null, rejected = 0): Point => ({ key: title, at: 0, short: title, title, values: { sent, rejected } })
const points = [day('1 Nov', 1200, 4), day('2 Nov', 80), day('3 Nov', null)]

it('writes counts, lengths of time and what is not known', () => {
  expect(valueWords(1234, 'count')).toBe('1,234')
  expect(valueWords(61_000, 'duration')).toBe('1 min 1 s')
  expect(valueWords(null, 'count')).toBe('Unknown')
  expect([0, 500].map((tick) => tickWords(tick, 'duration'))).toEqual(['0', '500 ms'])
})

it('says all of a point, what went wrong last', () => {
  expect(pointWords({ ...day('1 Nov', 1200, 4), mark: { label: '2 failed runs', tone: 'bad' } }, series, 'count')).toBe('1 Nov, Sent 1,200, Rejected 4, 2 failed runs')
})

describe('a summary', () => {
  it('says how much, from when to when, and where it is highest', () => {
    expect(summaryWords({ points, series, measure: 'count', stacked: true, unit: ['day', 'days'] })).toBe('3 days, 1 Nov to 3 Nov. Highest: 1,204, 1 Nov. Sent 1,280. Rejected 4.')
  })
  it('adds up no lengths of time and no lines', () => {
    const one = { series: series.slice(0, 1), unit: ['run', 'runs'] as [string, string] }
    expect(summaryWords({ ...one, points: points.slice(0, 1), measure: 'duration', stacked: true })).toBe('1 run, 1 Nov. Highest: 1.2 s, 1 Nov.')
    expect(summaryWords({ ...one, points, measure: 'count', stacked: false })).toBe('3 runs, 1 Nov to 3 Nov. Highest: 1,200, 1 Nov.')
    expect(summaryWords({ ...one, points: [], measure: 'count', stacked: false })).toBe('Nothing to show.')
  })
})
