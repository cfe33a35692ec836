import { describe, expect, it } from 'vitest'
import { barSlots, barsWidth, highest, labels, nextPoint, stack, stretches, ticks, timeSlots } from './scale'
import type { Point, Series } from './types'

const series: Series[] = [
  { id: 'added', label: 'Added', look: 'first' },
  { id: 'rejected', label: 'Rejected', look: 'bad' },
]
const point = (added: number | null, rejected: number | null, at = 0): Point => ({ key: at, at, short: '', title: '', values: { added, rejected } })

describe('ticks', () => {
  it.each([
    [0, [0, 1]],
    [1, [0, 1]],
    [3, [0, 1, 2, 3]],
    [7, [0, 2, 4, 6, 8]],
    [100, [0, 50, 100]],
    [101, [0, 50, 100, 150]],
    [1_234_567, [0, 500_000, 1_000_000, 1_500_000]],
    [0.3, [0, 1]],
  ])('are round numbers up to %d', (max, wanted) => {
    expect(ticks(max)).toEqual(wanted)
  })
  it.each([
    [12, [0, 5, 10, 15]],
    [900, [0, 500, 1000]],
    [13_000, [0, 5_000, 10_000, 15_000]],
    [100_000, [0, 30_000, 60_000, 90_000, 120_000]],
    [7_200_000, [0, 1_800_000, 3_600_000, 5_400_000, 7_200_000]],
    [400_000_000, [0, 172_800_000, 345_600_000, 518_400_000]],
  ])('are lengths of time that people say, up to %d ms', (max, wanted) => {
    expect(ticks(max, 'duration')).toEqual(wanted)
  })
})

describe('stack', () => {
  it('puts one number on the other', () => {
    expect(stack(point(30, 10), series, 100, 200)).toEqual([
      { series: series[0], from: 0, to: 60 },
      { series: series[1], from: 60, to: 80 },
    ])
  })
  it('shows what is small beside the others, and nothing of what is 0 or unknown', () => {
    expect(stack(point(100_000, 1), series, 100_001, 200).map(({ to, from }) => to - from)).toEqual([expect.closeTo(200, 1), 3])
    expect(stack(point(0, null), series, 10, 200)).toEqual([])
  })
})

it('is as high as the highest stack, or as the highest number', () => {
  const points = [point(3, 4), point(5, null)]
  expect(highest(points, series, true)).toBe(7)
  expect(highest(points, series, false)).toBe(5)
  expect(highest([], series, true)).toBe(0)
})

describe('slots', () => {
  it('divide a width among bars, and make it wider where there are many', () => {
    expect(barSlots(4, 100)[1]).toEqual({ middle: 37.5, from: 25, to: 50 })
    expect(barsWidth(10, 600)).toBe(600)
    expect(barsWidth(500, 600)).toBe(6000)
    expect(barSlots(0, 100)).toEqual([])
  })
  it('place moments by their distance, and share the width without a gap', () => {
    const slots = timeSlots([0, 10, 100], 216)
    expect(slots.map(({ middle }) => middle)).toEqual([8, 28, 208])
    expect(slots.map(({ from, to }) => [from, to])).toEqual([[0, 18], [18, 118], [118, 216]])
    expect(timeSlots([5], 100)).toEqual([{ middle: 50, from: 0, to: 100 }])
  })
})

describe('labels', () => {
  it('begin with the newest, have room between them and stay within the width', () => {
    const placed = labels(barSlots(30, 300), Array.from({ length: 30 }, (_, i) => `day ${i}`), 300)
    expect(placed[0]?.text).toBe('day 29')
    expect(placed.length).toBeGreaterThan(3)
    for (const [i, { text, middle }] of placed.entries()) {
      const half = (text.length * 6.4) / 2
      expect(middle + half).toBeLessThanOrEqual(300)
      expect(middle - half).toBeGreaterThanOrEqual(0)
      const newer = placed[i - 1]
      if (newer) expect(middle + half + 12).toBeLessThanOrEqual(newer.middle - (newer.text.length * 6.4) / 2)
    }
  })
  it('say the same only once in a row', () => {
    expect(labels(barSlots(3, 900), ['1 Nov', '2 Nov', '2 Nov'], 900).map(({ text }) => text)).toEqual(['2 Nov', '1 Nov'])
  })
})

it('interrupts a line where a number is not known', () => {
  expect(stretches([point(1, 0), point(2, 0), point(null, 0), point(null, 0), point(3, 0)], 'added')).toEqual([[0, 1], [4]])
  expect(stretches([point(null, 0)], 'added')).toEqual([])
})

it.each([
  ['ArrowLeft', 0, 0],
  ['ArrowLeft', 5, 4],
  ['ArrowRight', 18, 19],
  ['ArrowRight', 19, 19],
  ['Home', 7, 0],
  ['End', 7, 19],
  ['PageUp', 15, 5],
  ['PageDown', 15, 19],
  ['Tab', 3, undefined],
])('%s leads from %d to %s', (key, from, to) => {
  expect(nextPoint(key, from, 20)).toBe(to)
})
