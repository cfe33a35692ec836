import { count, duration, plural } from '~/components/format/format'
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

/** Operations that have no answer yet. */
export const waitingCount = ({ planned, succeeded, failed, aborted }: Pick<Run, 'planned' | 'succeeded' | 'failed' | 'aborted'>): number =>
  sum(planned) - sum(succeeded) - sum(failed) - sum(aborted)

/** What became of the rows that the query gave, in words: the parts add up to the rows queried (FLD-02). */
export function queriedWords({ rows, expanded }: Pick<Run, 'rows' | 'expanded'>): string {
  const parts: [number, string][] = [
    [rows.added, 'new'],
    [rows.changed, 'changed'],
    [rows.unchanged, 'unchanged'],
    [rows.nullKey, 'without a primary key'],
    [rows.duplicate, expanded ? 'that are no element of their own' : 'with a primary key that is not unique'],
  ]
  return parts.filter(([n]) => n > 0).map(([n, words]) => `${count(n)} ${words}`).join(' · ')
}

/** What the sync does nothing about, in words; nothing where it acts on everything (SY-75). */
export function ignoredWords({ rows }: Pick<Run, 'rows'>): string {
  return rows.ignored > 0 ? `${plural(rows.ignored, 'change')} ignored by the configuration` : ''
}

/** How long a run took or has taken so far, in words; nothing before it began. */
export const tookWords = ({ startedAt, durationMs }: Pick<Run, 'startedAt' | 'durationMs'>): string =>
  startedAt === null ? '–' : duration(durationMs)

const triggers: Record<Run['trigger'], string> = { manual: 'Manual', schedule: 'Schedule', api: 'API', recovery: 'Recovery', model: 'Model change', sequence: 'Sequence' }

/** Which engine compared the rows; nothing for the usual one. */
export const engineWords = ({ engine, migrated }: Pick<Run, 'engine' | 'migrated'>): string | undefined => {
  if (engine !== 'lightning') return undefined
  return migrated ? 'Lightning engine, which took over what was synced before' : 'Lightning engine'
}

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
