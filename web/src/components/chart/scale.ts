import type { Measure, Point, Series } from './types'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** Steps that people read lengths of time in, after those of less than a second. */
const durations = [1, 2, 5, 10, 15, 30].flatMap((n) => [n * second, n * minute]).concat([1, 2, 3, 6, 12, 24].map((n) => n * hour)).sort((a, b) => a - b)

/** 1, 2 or 5 with zeros that is at least n. */
function round(n: number): number {
  const power = 10 ** Math.floor(Math.log10(n))
  const digit = [1, 2, 5, 10].find((d) => d * power >= n * (1 - 1e-9)) ?? 10
  return digit * power
}

function stepOf(size: number, measure: Measure): number {
  if (measure === 'count') return Math.max(1, round(size))
  if (size < second / 2) return Math.max(1, round(size))
  return durations.find((step) => step >= size) ?? Math.ceil(size / (24 * hour)) * 24 * hour
}

/** Round numbers from 0 to the first one that is not below max, about as many as wanted. */
export function ticks(max: number, measure: Measure = 'count', wanted = 4): number[] {
  const step = stepOf(Math.max(max, 1) / wanted, measure)
  const last = Math.max(1, Math.ceil(max / step))
  return Array.from({ length: last + 1 }, (_, i) => i * step)
}

/** The numbers of a point together. */
export const totalOf = (point: Point, series: Series[]): number => series.reduce((sum, { id }) => sum + (point.values[id] ?? 0), 0)

/** The highest number that is drawn: of a stack the whole of it. */
export function highest(points: Point[], series: Series[], stacked: boolean): number {
  const tops = points.map((point) => (stacked ? totalOf(point, series) : Math.max(0, ...series.map(({ id }) => point.values[id] ?? 0))))
  return Math.max(0, ...tops)
}

/** A piece of a stack, in pixels from the axis upwards. */
export interface Piece {
  series: Series
  from: number
  to: number
}

/** So much of a number shows that is not 0, however small it is beside the others; a pixel of it is the gap below the next one. */
const least = 3

/** The pieces of a point's stack, of which top is drawn as high as height. */
export function stack(point: Point, series: Series[], top: number, height: number): Piece[] {
  let from = 0
  return series.flatMap((one) => {
    const value = point.values[one.id] ?? 0
    if (value <= 0) return []
    const piece = { series: one, from, to: from + Math.max(least, (value / top) * height) }
    from = piece.to
    return [piece]
  })
}

/** Where a point is, and the part of the width that belongs to it. */
export interface Slot {
  middle: number
  from: number
  to: number
}

/** The least width of a bar with the gap beside it. */
const narrowest = 12

/** How wide n bars are together: as wide as there is room, or wider, so that each can be pointed at. */
export const barsWidth = (n: number, room: number): number => Math.max(room, n * narrowest)

/** Equal parts of a width for n bars. */
export function barSlots(n: number, width: number): Slot[] {
  const step = width / Math.max(1, n)
  return Array.from({ length: n }, (_, i) => ({ middle: (i + 0.5) * step, from: i * step, to: (i + 1) * step }))
}

/** Lines keep so much from the sides, for the dots at their ends. */
const margin = 8

/** Places of moments on a width, each with what is nearest to it. */
export function timeSlots(moments: number[], width: number): Slot[] {
  const [first = 0, last = first] = [moments[0], moments.at(-1)]
  const span = last - first
  const middles = moments.map((at) => (span === 0 ? width / 2 : margin + ((at - first) / span) * (width - 2 * margin)))
  const between = (i: number) => ((middles[i] ?? 0) + (middles[i + 1] ?? 0)) / 2
  return middles.map((middle, i) => ({ middle, from: i === 0 ? 0 : between(i - 1), to: i === middles.length - 1 ? width : between(i) }))
}

/** How wide a character of a label is, and the least distance between two labels. */
const character = 6.4
const distance = 12

export const textWidth = (text: string): number => text.length * character

/** A label below the axis. */
export interface Label {
  text: string
  middle: number
}

/** The labels for which there is room, the newest first; none leaves the width, and none repeats its neighbour. */
export function labels(slots: Slot[], texts: string[], width: number): Label[] {
  const placed: Label[] = []
  let free = width
  for (let i = slots.length - 1; i >= 0; i--) {
    const text = texts[i] ?? ''
    const half = textWidth(text) / 2
    const middle = Math.max(half, Math.min(slots[i]?.middle ?? 0, width - half))
    if (middle + half > free || text === placed.at(-1)?.text) continue
    placed.push({ text, middle })
    free = middle - half - distance
  }
  return placed
}

/** The parts of a line between which a number is not known, as indices of points. */
export function stretches(points: Point[], id: string): number[][] {
  const all: number[][] = [[]]
  points.forEach((point, i) => {
    if (typeof point.values[id] === 'number') all.at(-1)?.push(i)
    else if (all.at(-1)?.length !== 0) all.push([])
  })
  return all.filter((part) => part.length > 0)
}

/** The point to which a key leads from another one; undefined for other keys. */
export function nextPoint(key: string, from: number, n: number): number | undefined {
  const moves: Record<string, number> = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: n - 1, PageUp: from - 10, PageDown: from + 10 }
  const to = moves[key]
  return to === undefined ? undefined : Math.max(0, Math.min(n - 1, to))
}
