import type { OperationCounts, Run } from '~/services/types'

/** All operations together. */
export const sum = ({ added, changed, removed }: OperationCounts): number => added + changed + removed

/** Rows whose change was seen and did not arrive. */
export const rejectedCount = (run: Pick<Run, 'failed' | 'aborted'>): number => sum(run.failed) + sum(run.aborted)

const triggers: Record<Run['trigger'], string> = { manual: 'Manual', schedule: 'Schedule', api: 'API', recovery: 'Recovery' }

/** What started a run, and how it differs from an ordinary one. */
export function triggerWords({ trigger, options }: Pick<Run, 'trigger' | 'options'>): string {
  const special = options.clearAndFill
    ? 'clear and fill'
    : options.fullResync
      ? 'full resync'
      : options.resetCDC
        ? 'CDC reset'
        : ''
  return special === '' ? triggers[trigger] : `${triggers[trigger]}, ${special}`
}
