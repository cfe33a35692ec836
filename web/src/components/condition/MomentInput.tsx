import { NumberInput, Select, TextInput } from '@mantine/core'
import { fromLocalInput, toLocalInput } from '~/components/schedule/schedule'
import type { ConditionMoment, ConditionPeriod, TimeUnit } from '~/services/types'
import classes from './Condition.module.css'
import { units } from './conditions'

interface SpanProps {
  label: string
  value: { n: number; unit: TimeUnit }
  onChange: (value: { n: number; unit: TimeUnit }) => void
  /** Days are the shortest unit. */
  daily: boolean
}

function SpanInput({ label, value, onChange, daily }: SpanProps) {
  const offered = daily ? units.slice(units.indexOf('day')) : units
  return (
    <>
      <NumberInput
        size="xs"
        w={70}
        aria-label={`${label}: how many`}
        min={1}
        max={100_000}
        allowDecimal={false}
        allowNegative={false}
        hideControls
        value={value.n > 0 ? value.n : ''}
        onChange={(next) => onChange({ ...value, n: Number(next) })}
      />
      <Select
        size="xs"
        w={108}
        aria-label={`${label}: unit`}
        allowDeselect={false}
        data={offered.map((unit) => ({ value: unit, label: value.n === 1 ? unit : `${unit}s` }))}
        value={value.unit}
        onChange={(next) => onChange({ ...value, unit: (next ?? 'day') })}
      />
    </>
  )
}

interface MomentProps {
  label: string
  value: ConditionMoment
  onChange: (value: ConditionMoment) => void
  /** The column has days, and no time of the day. */
  daily: boolean
}

type Shape = 'ago' | 'day' | 'time'

/** An instant has a time of the day, a day has none. */
const shapeOf = ({ at, ago }: ConditionMoment): Shape => (ago !== undefined ? 'ago' : at?.includes('T') ? 'time' : 'day')

/** A time: a day, an instant, or so long ago. */
export function MomentInput({ label, value, onChange, daily }: MomentProps) {
  const shape = shapeOf(value)
  const shapes = [
    { value: 'day', label: 'the day' },
    { value: 'time', label: 'the time' },
    { value: 'ago', label: 'relative' },
  ]
  const reshape = (next: string | null) => {
    if (next === 'ago') onChange({ ago: { n: 7, unit: 'day' } })
    else if (next === 'time') onChange({ at: fromLocalInput(`${value.at?.slice(0, 10) ?? today()}T00:00`) })
    else onChange({ at: value.at === undefined ? today() : toLocalInput(value.at).slice(0, 10) })
  }
  return (
    <span className={classes.operand} role="group" aria-label={label}>
      <Select size="xs" w={104} aria-label={`${label}: kind`} allowDeselect={false} data={daily ? shapes.filter((one) => one.value !== 'time') : shapes} value={shape} onChange={reshape} />
      {shape === 'ago' && value.ago !== undefined && (
        <>
          <SpanInput label={label} value={value.ago} onChange={(ago) => onChange({ ago })} daily={daily} />
          <span className="small">ago</span>
        </>
      )}
      {shape === 'day' && <TextInput size="xs" type="date" aria-label={`${label}: day`} value={value.at ?? ''} onChange={(event) => onChange({ at: event.currentTarget.value })} />}
      {shape === 'time' && (
        <TextInput
          size="xs"
          type="datetime-local"
          aria-label={`${label}: in your time zone`}
          value={toLocalInput(value.at)}
          onChange={(event) => {
            const at = fromLocalInput(event.currentTarget.value)
            if (at !== undefined) onChange({ at })
          }}
        />
      )}
    </span>
  )
}

const today = (): string => toLocalInput(new Date().toISOString()).slice(0, 10)

interface PeriodProps {
  value: ConditionPeriod
  onChange: (value: ConditionPeriod) => void
  daily: boolean
}

/** A period that ends now, or with the last whole unit of the calendar (AUD-6). */
export function PeriodInput({ value, onChange, daily }: PeriodProps) {
  const calendar = value.calendar === true
  return (
    <>
      <span className="small">the previous</span>
      <SpanInput label="Period" value={value} onChange={(span) => onChange({ ...value, ...span })} daily={daily} />
      <Select
        size="xs"
        w={170}
        aria-label="Period: how it is counted"
        allowDeselect={false}
        data={[
          { value: 'rolling', label: 'up to now' },
          { value: 'calendar', label: 'of the calendar, whole' },
        ]}
        value={calendar ? 'calendar' : 'rolling'}
        onChange={(next) => onChange({ ...value, calendar: next === 'calendar' ? true : undefined })}
      />
    </>
  )
}
