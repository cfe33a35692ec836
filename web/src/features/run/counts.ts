import { duration } from '~/components/format/format'
import type { OperationCounts, Run, TriggerOptions } from '~/services/types'

/** All operations together. */
export const sum = ({ added, changed, removed }: OperationCounts): number => added + changed + removed

/**
 * Rows whose change was seen and did not arrive, by operation: refused, not sent before the run stopped, or
 * never sent because their key is not unique, which count as added.
 */
export const rejectedOf = ({ failed, aborted, rows }: Pick<Run, 'failed' | 'aborted' | 'rows'>): OperationCounts => ({
  added: failed.added + aborted.added + rows.duplicate,
  changed: failed.changed + aborted.changed,
  removed: failed.removed + aborted.removed,
})

/** All of them together. */
export const rejectedCount = (run: Pick<Run, 'failed' | 'aborted' | 'rows'>): number => sum(rejectedOf(run))

/** How long a run took or has taken so far, in words; nothing before it began. */
export const tookWords = ({ startedAt, durationMs }: Pick<Run, 'startedAt' | 'durationMs'>): string =>
  startedAt === null ? '–' : duration(durationMs)

const triggers: Record<Run['trigger'], string> = { manual: 'Manual', schedule: 'Schedule', api: 'API', recovery: 'Recovery', model: 'Model change', sequence: 'Sequence' }

/** What started a run, and how it differs from an ordinary one. */
export function triggerWords({ trigger, options }: Pick<Run, 'trigger'> & { options: TriggerOptions }): string {
  const special = options.clearAndFill
    ? 'clear and fill'
    : options.fullResync
      ? 'full resync'
      : options.resetCDC
        ? 'CDC reset'
        : ''
  return special === '' ? triggers[trigger] : `${triggers[trigger]}, ${special}`
}
