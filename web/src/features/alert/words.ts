import { count, plural } from '~/components/format/format'
import type { AlertLevels, TriggerState } from '~/services/types'

/** What alerts by a threshold, in words. */
function condition({ name, measure, windowHours }: Pick<TriggerState, 'name' | 'measure' | 'windowHours'>, threshold: number): string {
  switch (name) {
    case 'fatal':
      return threshold === 1 ? 'a run fails' : `${count(threshold)} runs in a row fail`
    case 'rejected':
      return measure === 'percent' ? `${threshold} % of the queried rows are rejected` : `${plural(threshold, 'row is', 'rows are')} rejected`
    case 'modelSize':
      return threshold === 1 ? 'the model returns no row' : `the model returns fewer than ${plural(threshold, 'row')}`
    case 'duration':
      return `a run takes longer than ${plural(threshold, 'hour')}`
    case 'throughput':
      return `fewer than ${plural(threshold, 'row')} ${threshold === 1 ? 'arrives' : 'arrive'} in ${windowWords(windowHours ?? 0)}`
    default:
      return `the threshold is ${threshold}`
  }
}

/** A window of time in words. */
export const windowWords = (hours: number): string => (hours % 24 === 0 ? plural(hours / 24, 'day') : plural(hours, 'hour'))

/** When a trigger alerts, in words: "Warning when …; critical when …". */
export function conditionWords(trigger: TriggerState): string {
  const parts = [
    trigger.warning === null ? '' : `warning when ${condition(trigger, trigger.warning)}`,
    trigger.critical === null ? '' : `critical when ${condition(trigger, trigger.critical)}`,
  ].filter(Boolean)
  const words = parts.join('; ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** Where thresholds or recipients are set. */
export const fromWords: Record<TriggerState['from'], string> = {
  sync: 'Set here',
  destination: 'Set by the destination',
  standard: 'Standard',
}

export const levelsWords: Record<AlertLevels, string> = { all: 'Critical and warning', critical: 'Critical only' }
