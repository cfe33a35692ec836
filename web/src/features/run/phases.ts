import type { RunState } from '~/services/types'

/** The phases of a run in their order. */
export const phases = ['Queued', 'Querying', 'Preparing', 'Sending', 'Finishing'] as const

const order: Partial<Record<RunState, number>> = { queued: 0, querying: 1, planning: 2, delivering: 3, settling: 4 }

/** Which phase a run is in; behind the last one when it has ended. */
export const phaseIndex = (state: RunState): number => order[state] ?? phases.length
