import type { Point, Series } from '~/components/chart/types'
import { briefTime, exactTime } from '~/components/format/format'
import type { Match } from '~/services/types'

/** The people that the platform knows, and those that the model has. */
export const matchSeries: Series[] = [
  { id: 'matched', label: 'Matched users', look: 'first' },
  { id: 'members', label: 'Rows of the model', look: 'second' },
]

/** The history of matched users, which begins with the newest, as points of a line. */
export const matchPoints = (history: Match[], zone?: string): Point[] =>
  history.toReversed().map(({ at, matched, members }) => {
    const asked = new Date(at)
    return { key: at, at: asked.getTime(), short: briefTime(asked, zone), title: exactTime(asked, zone), values: { matched, members } }
  })
