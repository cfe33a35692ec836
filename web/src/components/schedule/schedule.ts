import { Cron } from 'croner'
import { plural, sentenceList, viewerZone } from '~/components/format/format'
import type { Recurrence, Schedule, ScheduleType, Weekday } from '~/services/types'

export const weekdays: { value: Weekday; label: string; short: string; cron: number }[] = [
  { value: 'monday', label: 'Monday', short: 'Mon', cron: 1 },
  { value: 'tuesday', label: 'Tuesday', short: 'Tue', cron: 2 },
  { value: 'wednesday', label: 'Wednesday', short: 'Wed', cron: 3 },
  { value: 'thursday', label: 'Thursday', short: 'Thu', cron: 4 },
  { value: 'friday', label: 'Friday', short: 'Fri', cron: 5 },
  { value: 'saturday', label: 'Saturday', short: 'Sat', cron: 6 },
  { value: 'sunday', label: 'Sunday', short: 'Sun', cron: 0 },
]

export const scheduleWords: Record<ScheduleType, string> = {
  manual: 'Manual',
  interval: 'Interval',
  custom: 'Custom recurrence',
  cron: 'Cron',
  dbtCloud: 'dbt Cloud',
  fivetran: 'Fivetran',
}

/** Whether a schedule waits for jobs instead of a time. */
export const waits = ({ type }: Schedule): boolean => type === 'dbtCloud' || type === 'fivetran'

/** The type of a schedule; one that was never chosen is manual. */
export const typeOf = ({ type }: Schedule): ScheduleType => type ?? 'manual'

/** A first schedule of the type, to be changed by the person. */
export function freshSchedule(type: ScheduleType, zone: string): Schedule {
  switch (type) {
    case 'interval':
      return { type, interval: { unit: 'hour', quantity: 1 } }
    case 'cron':
      return { type, cron: '0 12 * * *' }
    case 'custom':
      return { type, zone, recurrences: [{ days: weekdays.slice(0, 5).map((d) => d.value), time: '08:00' }] }
    case 'dbtCloud':
    case 'fivetran':
      return { type, after: { orchestrator: '', jobs: [] } }
    default:
      return { type: 'manual' }
  }
}

/** What is wrong with a cron expression of five fields (SY-83). */
export function cronProblem(expression: string): string | undefined {
  const fields = expression.trim().split(/\s+/)
  if (expression.trim() === '') return 'Enter a cron expression, for example 0 12 * * *.'
  if (fields.length !== 5) return `A cron expression has five fields; this one has ${fields.length}.`
  if (/[#?]|L-|LW|\dW/i.test(expression)) return 'W, LW, L-2 and # are not supported.'
  if (/L/i.test([fields[0], fields[1], fields[3], fields[4]].join(' ').replace(/JUL/gi, ''))) {
    return 'L is supported only as the day of the month.'
  }
  try {
    new Cron(expression, { paused: true })
    return undefined
  } catch {
    return 'This is not a cron expression.'
  }
}

function recurrenceProblem({ days, time }: Recurrence): string | undefined {
  if (days.length === 0) return 'Choose at least one day.'
  return /^([01]\d|2[0-3]):[0-5]\d$/.test(time) ? undefined : 'Enter a time such as 08:30.'
}

/** What is wrong with a schedule. */
export function scheduleProblem(schedule: Schedule): string | undefined {
  const { start, end } = schedule
  if (typeOf(schedule) !== 'manual' && start && end && end <= start) return 'The end must be after the start.'
  switch (schedule.type) {
    case 'interval':
      return Number.isInteger(schedule.interval?.quantity) && (schedule.interval?.quantity ?? 0) >= 1
        ? undefined
        : 'Enter a whole number of at least 1.'
    case 'cron':
      return cronProblem(schedule.cron ?? '')
    case 'custom':
      return schedule.recurrences?.length
        ? schedule.recurrences.map(recurrenceProblem).find((p) => p !== undefined)
        : 'Add at least one recurrence.'
    case 'dbtCloud':
    case 'fivetran':
      if (!schedule.after?.orchestrator) return `Choose the connection to ${scheduleWords[schedule.type]}.`
      return schedule.after.jobs.length > 0 ? undefined : 'Choose at least one job.'
    default:
      return undefined
  }
}

/** The zone in which a schedule's times are meant. */
export const zoneOf = ({ type, zone }: Schedule): string =>
  type === 'cron' ? 'UTC' : type === 'custom' ? zone || 'UTC' : viewerZone()

/** The zones that can be chosen; the one that is chosen is always among them. */
export function zones(chosen: string): string[] {
  return [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone'), chosen])]
}

function daysText(days: Weekday[]): string {
  const chosen = weekdays.filter((d) => days.includes(d.value))
  if (chosen.length === 7) return 'every day'
  const names = chosen.map((d) => d.value).join()
  if (names === 'monday,tuesday,wednesday,thursday,friday') return 'on weekdays'
  if (names === 'saturday,sunday') return 'on weekends'
  return `on ${sentenceList(chosen.map((d) => d.short))}`
}

/** A schedule in words. */
export function scheduleText(schedule: Schedule): string {
  switch (schedule.type) {
    case 'interval': {
      const { quantity = 1, unit = 'hour' } = schedule.interval ?? {}
      return quantity === 1 ? `Every ${unit}` : `Every ${plural(quantity, unit)}`
    }
    case 'cron':
      return `Cron ${schedule.cron} (UTC)`
    case 'custom':
      return (schedule.recurrences ?? []).map((r) => `${r.time} ${daysText(r.days)}`).join(', ') + ` (${schedule.zone || 'UTC'})`
    case 'dbtCloud':
    case 'fivetran':
      return `After ${plural(schedule.after?.jobs.length ?? 0, 'job')} of ${scheduleWords[schedule.type]}`
    default:
      return 'Manual'
  }
}

/** A moment as a datetime-local input holds it, in the viewer's zone. */
export function toLocalInput(iso: string | undefined): string {
  if (!iso) return ''
  const at = new Date(iso)
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 16)
}

/** What a datetime-local input holds, as a moment in UTC. */
export const fromLocalInput = (text: string): string | undefined => (text === '' ? undefined : new Date(text).toISOString())
