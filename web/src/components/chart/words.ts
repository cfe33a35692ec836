import { count, duration, plural } from '~/components/format/format'
import { highest, totalOf } from './scale'
import type { Measure, Point, Series } from './types'

/** Writes a number of a chart; nothing is known where there is none. */
export const valueWords = (value: number | null | undefined, measure: Measure): string =>
  value === null || value === undefined ? 'Unknown' : measure === 'duration' ? duration(value) : count(value)

/** A number beside the axis, where nothing needs no unit. */
export const tickWords = (tick: number, measure: Measure): string => (tick === 0 ? '0' : valueWords(tick, measure))

/** A point with all that is known of it, as a screen reader says it. */
export function pointWords(point: Point, series: Series[], measure: Measure): string {
  const numbers = series.map(({ id, label }) => `${label} ${valueWords(point.values[id], measure)}`)
  return [point.title, ...numbers, ...(point.mark === undefined ? [] : [point.mark.label])].join(', ')
}

interface Described {
  points: Point[]
  series: Series[]
  measure: Measure
  stacked: boolean
  /** What a point is: one, and many. */
  unit: [string, string]
}

/** What a chart shows in a sentence or two: how much of what, from when to when, and where it is highest. */
export function summaryWords({ points, series, measure, stacked, unit }: Described): string {
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined) return 'Nothing to show.'
  const span = first === last ? first.title : `${first.title} to ${last.title}`
  const said = [`${plural(points.length, ...unit)}, ${span}.`]
  const top = highest(points, series, stacked)
  const peak = points.find((point) => (stacked ? totalOf(point, series) : Math.max(...series.map(({ id }) => point.values[id] ?? 0))) === top)
  if (top > 0 && peak !== undefined) said.push(`Highest: ${valueWords(top, measure)}, ${peak.title}.`)
  if (measure === 'count' && stacked) {
    for (const { id, label } of series) said.push(`${label} ${count(points.reduce((sum, { values }) => sum + (values[id] ?? 0), 0))}.`)
  }
  return said.join(' ')
}
