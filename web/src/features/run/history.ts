import type { Mark, Point, Series } from '~/components/chart/types'
import { briefTime, exactTime } from '~/components/format/format'
import { operationWords } from '~/components/status/states'
import type { Run } from '~/services/types'
import { rejectedCount } from './counts'

/** What a run did with rows, as parts of a bar. */
export const rowSeries: Series[] = [
  { id: 'added', label: operationWords.added, look: 'first' },
  { id: 'changed', label: operationWords.changed, look: 'second' },
  { id: 'removed', label: operationWords.removed, look: 'third' },
  { id: 'rejected', label: 'Rejected', look: 'bad' },
]

/** How long it took. */
export const durationSeries: Series[] = [{ id: 'duration', label: 'Duration', look: 'second' }]

/** What the rows of a run do not tell: that it did not come to its end. */
function markOf({ status, label }: Pick<Run, 'status' | 'label'>): Mark | undefined {
  if (status === 'failed') return { label, tone: 'bad' }
  return status === 'cancelled' || status === 'interrupted' ? { label, tone: 'idle' } : undefined
}

/** Runs as points of a chart, the oldest first. Bars have rows that arrived, and those that were rejected. */
export function runPoints(newestFirst: Run[], zone?: string): Point[] {
  return newestFirst.toReversed().map((run) => {
    const began = new Date(run.startedAt ?? run.createdAt)
    const { added, changed, removed } = run.succeeded
    return {
      key: run.id,
      at: began.getTime(),
      short: briefTime(began, zone),
      title: `Run ${run.id}, ${exactTime(began, zone)}`,
      values: { added, changed, removed, rejected: rejectedCount(run), duration: run.startedAt === null ? null : run.durationMs },
      mark: markOf(run),
      to: `/syncs/${encodeURIComponent(run.syncSlug)}/runs/${run.id}`,
    }
  })
}

/** The signs that are on some of the points, each once. */
export function signsOf(points: Pick<Point, 'mark'>[]): Mark[] {
  const byLabel = new Map(points.flatMap(({ mark }) => (mark === undefined ? [] : [[mark.label, mark] as const])))
  return [...byLabel.values()]
}
