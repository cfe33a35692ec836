import type { SequenceRun } from '~/services/types'

/** What started a run of a sequence. */
export const sequenceTriggers: Record<SequenceRun['trigger'], string> = { manual: 'Manual', schedule: 'Schedule', api: 'API' }
