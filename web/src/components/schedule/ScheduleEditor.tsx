import { ActionIcon, Button, Chip, NumberInput, Radio, Select, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconCalendarClock, IconPlus, IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { shortTime, viewerZone } from '~/components/format/format'
import { previewQuery } from '~/services/schedules'
import type { Recurrence, Schedule, ScheduleType } from '~/services/types'
import { JobsInput } from './JobsInput'
import classes from './Schedule.module.css'
import { freshSchedule, fromLocalInput, scheduleProblem, scheduleWords, toLocalInput, typeOf, waits, weekdays, zoneOf, zones } from './schedule'

interface Props {
  value: Schedule
  onChange: (value: Schedule) => void
}

interface EditorProps extends Props {
  /** When the last run ended, from which intervals count. */
  lastRunAt?: string
}

const help: Record<ScheduleType, string> = {
  manual: 'Runs only when you or the API start it.',
  interval: 'Runs again some time after the last run.',
  custom: 'Runs on chosen days at a chosen time.',
  cron: 'Runs by a cron expression, in UTC.',
  dbtCloud: 'Runs when jobs of dbt Cloud have succeeded.',
  fivetran: 'Runs when connections or transformations of Fivetran are done.',
}

const types: ScheduleType[] = ['manual', 'interval', 'custom', 'cron', 'dbtCloud', 'fivetran']

/** When something runs by itself, with its next runs (SY-80). */
export function ScheduleEditor({ value, onChange, lastRunAt }: EditorProps) {
  return (
    <div className="stack">
      <Radio.Group
        label="Schedule type"
        value={typeOf(value)}
        onChange={(type) => onChange(freshSchedule(type, viewerZone()))}
      >
        <div className={classes.types}>
          {types.map((type) => (
            <Radio key={type} value={type} label={scheduleWords[type]} description={help[type]} className={classes.type} />
          ))}
        </div>
      </Radio.Group>
      {value.type === 'interval' && <IntervalInput value={value} onChange={onChange} />}
      {value.type === 'custom' && <RecurrencesInput value={value} onChange={onChange} />}
      {value.type === 'cron' && <CronInput value={value} onChange={onChange} />}
      {waits(value) && <JobsInput key={value.type} value={value} onChange={onChange} />}
      {value.type !== 'manual' && <WindowInput value={value} onChange={onChange} />}
      {typeOf(value) !== 'manual' && !waits(value) && <NextRuns schedule={value} lastRunAt={lastRunAt} />}
    </div>
  )
}

/** The next runs of a schedule in its zone, as the server reckons them, or what is wrong with it. */
function NextRuns({ schedule, lastRunAt }: { schedule: Schedule; lastRunAt: string | undefined }) {
  const problem = scheduleProblem(schedule)
  const [settled] = useDebouncedValue(schedule, 250)
  const query = useQuery({ ...previewQuery(settled, lastRunAt), enabled: scheduleProblem(settled) === undefined, retry: false })
  const wrong = problem ?? (query.isError ? query.error.message : undefined)
  if (wrong !== undefined) {
    return (
      <p className={classes.problem} role="status">
        <IconCalendarClock size={16} aria-hidden />
        {wrong}
      </p>
    )
  }
  const zone = zoneOf(schedule)
  const runs = query.data ?? []
  return (
    <section className={classes.next} aria-label="Next runs">
      <p className="row">
        <IconCalendarClock size={16} aria-hidden />
        {query.isSuccess && runs.length === 0 ? 'This schedule starts no further run.' : `Next runs in ${zone}`}
        {schedule.type === 'interval' && <span className="muted">about, counted from the end of the last run</span>}
      </p>
      <ol className={classes.runs}>
        {runs.map((at) => (
          <li key={at}>
            {shortTime(new Date(at), zone)}
            {zone !== viewerZone() && <span className="muted"> {shortTime(new Date(at))} your time</span>}
          </li>
        ))}
      </ol>
    </section>
  )
}

function IntervalInput({ value, onChange }: Props) {
  const interval = value.interval ?? { unit: 'hour' as const, quantity: 1 }
  return (
    <div className="row">
      <span>Every</span>
      <NumberInput
        aria-label="Quantity"
        w={88}
        min={1}
        allowDecimal={false}
        value={interval.quantity}
        onChange={(next) => onChange({ ...value, interval: { ...interval, quantity: Number(next) } })}
      />
      <Select
        aria-label="Unit"
        w={130}
        allowDeselect={false}
        data={[
          { value: 'minute', label: 'minutes' },
          { value: 'hour', label: 'hours' },
          { value: 'day', label: 'days' },
          { value: 'week', label: 'weeks' },
        ]}
        value={interval.unit}
        onChange={(next) => onChange({ ...value, interval: { ...interval, unit: (next ?? 'hour') } })}
      />
    </div>
  )
}

function CronInput({ value, onChange }: Props) {
  return (
    <TextInput
      label="Cron expression"
      description="Five fields: minute, hour, day of month, month, day of week. Evaluated in UTC. L means the last day of the month."
      className="mono"
      maw={420}
      value={value.cron ?? ''}
      onChange={(event) => onChange({ ...value, cron: event.currentTarget.value })}
    />
  )
}

function RecurrencesInput({ value, onChange }: Props) {
  const list = value.recurrences ?? []
  const set = (recurrences: Recurrence[]) => onChange({ ...value, recurrences })
  return (
    <div className="stack" style={{ gap: 10 }}>
      {list.map((recurrence, index) => (
        <div key={index} className={classes.recurrence} role="group" aria-label={`Recurrence ${index + 1}`}>
          <Chip.Group
            multiple
            value={recurrence.days}
            onChange={(days) => set(list.map((r, i) => (i === index ? { ...r, days: days } : r)))}
          >
            <div className={classes.days}>
              {weekdays.map((day) => (
                <Chip key={day.value} value={day.value} size="xs" radius="sm">
                  {day.short}
                </Chip>
              ))}
            </div>
          </Chip.Group>
          <TextInput
            type="time"
            aria-label="Time"
            w={120}
            value={recurrence.time}
            onChange={(event) => {
              const time = event.currentTarget.value
              set(list.map((r, i) => (i === index ? { ...r, time } : r)))
            }}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Remove recurrence ${index + 1}`}
            onClick={() => set(list.filter((_, i) => i !== index))}
          >
            <IconTrash size={15} />
          </ActionIcon>
        </div>
      ))}
      <div className="row wrap">
        <Button
          variant="default"
          size="xs"
          leftSection={<IconPlus size={14} />}
          onClick={() => set([...list, { days: ['saturday', 'sunday'], time: '08:00' }])}
        >
          Add recurrence
        </Button>
        <Select
          size="xs"
          w={240}
          aria-label="Time zone"
          searchable
          allowDeselect={false}
          data={zones(value.zone || 'UTC')}
          value={value.zone || 'UTC'}
          onChange={(zone) => onChange({ ...value, zone: zone ?? 'UTC' })}
        />
      </div>
    </div>
  )
}

function WindowInput({ value, onChange }: Props) {
  return (
    <div className="row wrap" style={{ gap: 16 }}>
      <TextInput
        type="datetime-local"
        label="Start"
        description="Empty means at once"
        value={toLocalInput(value.start)}
        onChange={(event) => onChange({ ...value, start: fromLocalInput(event.currentTarget.value) })}
      />
      <TextInput
        type="datetime-local"
        label="End"
        description="Empty means never"
        value={toLocalInput(value.end)}
        onChange={(event) => onChange({ ...value, end: fromLocalInput(event.currentTarget.value) })}
      />
    </div>
  )
}
