import type { Point, Series } from '~/components/chart/types'
import { count, dayWords, plural } from '~/components/format/format'
import type { RunDay } from '~/services/types'

/** What became of rows on a day. */
export const daySeries: Series[] = [
  { id: 'sent', label: 'Sent', look: 'first' },
  { id: 'rejected', label: 'Rejected', look: 'bad' },
]

/** Days as points of a chart; failed runs are signs above their bars. */
export const dayPoints = (days: RunDay[]): Point[] =>
  days.map(({ day, failed, sent, rejected }) => ({
    key: day,
    at: Date.parse(day),
    short: dayWords(day, true),
    title: dayWords(day),
    values: { sent, rejected },
    mark: failed > 0 ? { label: plural(failed, 'failed run'), tone: 'bad', text: count(failed) } : undefined,
  }))

/** What happened on all days together, in words. */
export function daysWords(days: RunDay[]): string {
  const all = (part: 'runs' | 'failed' | 'sent' | 'rejected') => days.reduce((sum, day) => sum + day[part], 0)
  return `${plural(all('runs'), 'run')}, ${count(all('failed'))} of them failed · ${plural(all('sent'), 'row')} sent, ${count(all('rejected'))} rejected`
}
