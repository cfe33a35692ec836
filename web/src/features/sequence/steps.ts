import { plural } from '~/components/format/format'
import type { SequenceSpec, SequenceStep, Terminate } from '~/services/types'

/** What may end a sequence at a step (SY-87). */
export const terminateWords: Record<Terminate, { label: string; help: string }> = {
  rejected: { label: 'On a fatal error or too many rejected rows', help: 'The next syncs need every row of this one.' },
  fatal: { label: 'On a fatal error', help: 'Rejected rows do not matter to the next syncs.' },
  never: { label: 'Never', help: 'The sequence goes on whatever becomes of this sync.' },
}

export const terminates = Object.keys(terminateWords) as Terminate[]

/** What ends the sequence at a step; one where nothing was chosen ends it on rejected rows. */
export const terminateOf = ({ terminate }: Pick<SequenceStep, 'terminate'>): Terminate => terminate ?? 'rejected'

/** A new step: later syncs mostly need what this one brings. */
export const freshStep = (sync: string): SequenceStep => ({ sync, terminate: 'rejected' })

/** The list with one entry at another place. */
export function moved<T>(list: T[], from: number, to: number): T[] {
  const entry = list[from]
  if (entry === undefined || to < 0 || to >= list.length) return list
  const others = list.filter((_, i) => i !== from)
  return [...others.slice(0, to), entry, ...others.slice(to)]
}

/** A step with another setting; how many rows are too many goes where nothing reads it. */
export const withTerminate = ({ sync, rejected }: SequenceStep, terminate: Terminate): SequenceStep =>
  terminate === 'rejected' && rejected !== undefined ? { sync, terminate, rejected } : { sync, terminate }

export type LimitUnit = 'count' | 'percent'

/** How many rejected rows are too many: their number, or their part of the queried rows. */
export const limitOf = ({ rejected }: SequenceStep): { unit: LimitUnit; value: number } =>
  rejected?.percent ? { unit: 'percent', value: rejected.percent } : { unit: 'count', value: rejected?.count ?? 1 }

/** A step for which so many rejected rows are too many. One row is what is meant where nothing is said. */
export function withLimit(step: SequenceStep, unit: LimitUnit, value: number): SequenceStep {
  const { sync } = step
  if (unit === 'count' && value === 1) return { sync, terminate: 'rejected' }
  return { sync, terminate: 'rejected', rejected: { [unit]: value } }
}

/** What is wrong with how many rejected rows are too many. */
export function limitProblem(step: SequenceStep): string | undefined {
  if (terminateOf(step) !== 'rejected') return undefined
  const { unit, value } = limitOf(step)
  if (unit === 'count') return Number.isInteger(value) && value >= 1 ? undefined : 'Enter a whole number of at least 1.'
  return value > 0 && value <= 100 ? undefined : 'Enter a percentage above 0, up to 100.'
}

/** What is wrong with the steps. */
export function stepsProblem(steps: SequenceStep[]): string | undefined {
  if (steps.length === 0) return 'Add at least one sync.'
  return steps.map(limitProblem).find((problem) => problem !== undefined)
}

/** What ends the sequence at a step, in words. */
export function terminateText(step: SequenceStep): string {
  switch (terminateOf(step)) {
    case 'never':
      return 'Nothing ends the sequence here'
    case 'fatal':
      return 'Ends on a fatal error'
    default: {
      const { unit, value } = limitOf(step)
      const limit = unit === 'percent' ? `${value}% rejected rows` : plural(value, 'rejected row')
      return `Ends on a fatal error or ${limit}`
    }
  }
}

/** A sequence before anything was chosen. */
export const freshSequence = (): SequenceSpec => ({ steps: [], schedule: { type: 'manual' }, disabled: false })

/** Names that go with the steps when they move. One sync may be in a sequence twice. */
export const keysOf = (steps: SequenceStep[]): string[] =>
  steps.map(({ sync }, at) => `${sync} ${steps.slice(0, at).filter((before) => before.sync === sync).length}`)
