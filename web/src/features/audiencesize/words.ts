import { count } from '~/components/format/format'
import type { Match } from '~/services/types'

/** A number of people; vendors do not tell small ones. */
export const sizeWords = (size: number | null): string => (size === null ? 'Unknown' : count(size))

/** The part of the people that was matched. */
export const percentWords = (percent: number | null): string => (percent === null ? '–' : `${percent >= 10 ? Math.round(percent) : percent.toFixed(1)} %`)

/** What the newest look says in one line. */
export function matchWords(match: Pick<Match, 'matched' | 'percent'> | null): string {
  if (match === null) return 'Not known yet'
  if (match.matched === null) return 'Unknown'
  return match.percent === null ? count(match.matched) : `${count(match.matched)} (${percentWords(match.percent)})`
}
