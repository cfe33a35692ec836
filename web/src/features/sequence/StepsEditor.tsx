import { ActionIcon, MultiSelect, NumberInput, Select } from '@mantine/core'
import { IconArrowDown, IconArrowUp, IconGripVertical, IconTrash } from '@tabler/icons-react'
import { useRef, useState, type DragEvent, type KeyboardEvent } from 'react'
import { typeOf } from '~/components/schedule/schedule'
import type { SequenceStep, Sync } from '~/services/types'
import classes from './Sequence.module.css'
import {
  freshStep,
  keysOf,
  limitOf,
  limitProblem,
  moved,
  terminateOf,
  terminates,
  terminateWords,
  withLimit,
  withTerminate,
} from './steps'

interface Props {
  /** All syncs of the workspace. */
  syncs: Sync[]
  value: SequenceStep[]
  onChange: (value: SequenceStep[]) => void
}

/** The syncs of a sequence in their order: added, moved by pointer or keyboard, removed (SY-86, SY-87). */
export function StepsEditor({ syncs, value, onChange }: Props) {
  const [said, say] = useState('')
  const list = useRef<HTMLOListElement>(null)
  const drag = useDrag((from, to) => onChange(moved(value, from, to)))
  const keys = keysOf(value)
  const nameOf = (slug: string) => syncs.find((sync) => sync.metadata.slug === slug)?.metadata.name ?? slug
  const move = (from: number, to: number) => {
    const step = value[from]
    if (step === undefined || to < 0 || to >= value.length) return
    onChange(moved(value, from, to))
    say(`${nameOf(step.sync)} is step ${to + 1} of ${value.length}.`)
    // The focus goes with the step, so that it can be moved on.
    requestAnimationFrame(() => list.current?.querySelectorAll<HTMLElement>('[data-handle]')[to]?.focus())
  }
  const remove = (at: number) => {
    say(`${nameOf(value[at]?.sync ?? '')} is removed.`)
    onChange(value.filter((_, i) => i !== at))
  }
  return (
    <div className="stack">
      {value.length > 0 && (
        <ol className={classes.steps} ref={list} aria-label="Steps">
          {value.map((step, at) => (
            <Step
              key={keys[at]}
              at={at}
              last={at === value.length - 1}
              step={step}
              sync={syncs.find((sync) => sync.metadata.slug === step.sync)}
              drag={drag}
              onMove={(to) => move(at, to)}
              onRemove={() => remove(at)}
              onChange={(next) => onChange(value.map((s, i) => (i === at ? next : s)))}
            />
          ))}
        </ol>
      )}
      <MultiSelect
        label="Add syncs"
        description="They are added at the end, in the order in which you choose them."
        placeholder={value.length === 0 ? 'Choose the first sync' : 'Choose another sync'}
        searchable
        hidePickedOptions={false}
        limit={100} // the others are found by their names
        nothingFoundMessage="No sync matches"
        maw={480}
        value={[]}
        data={syncs.map(({ metadata }) => ({ value: metadata.slug, label: metadata.name }))}
        onChange={(chosen) => onChange([...value, ...chosen.map(freshStep)])}
      />
      <span className="visually-hidden" role="status">
        {said}
      </span>
    </div>
  )
}

interface Drag {
  from: number | undefined
  over: number | undefined
  begin: (at: number) => void
  enter: (at: number) => void
  drop: () => void
  end: () => void
}

/** What is being dragged where. */
function useDrag(onDrop: (from: number, to: number) => void): Drag {
  const [from, setFrom] = useState<number>()
  const [over, setOver] = useState<number>()
  const end = () => {
    setFrom(undefined)
    setOver(undefined)
  }
  const drop = () => {
    if (from !== undefined && over !== undefined) onDrop(from, over)
    end()
  }
  return { from, over, begin: setFrom, enter: setOver, drop, end }
}

interface StepProps {
  at: number
  last: boolean
  step: SequenceStep
  sync: Sync | undefined
  drag: Drag
  onMove: (to: number) => void
  onRemove: () => void
  onChange: (step: SequenceStep) => void
}

function Step({ at, last, step, sync, drag, onMove, onRemove, onChange }: StepProps) {
  const row = useRef<HTMLLIElement>(null)
  const name = sync?.metadata.name ?? step.sync
  const over = drag.over === at && drag.from !== undefined && drag.from !== at ? (drag.from > at ? 'before' : 'after') : undefined
  const begin = (event: DragEvent) => {
    event.dataTransfer.effectAllowed = 'move'
    event.dataTransfer.setData('text/plain', name)
    if (row.current !== null) event.dataTransfer.setDragImage(row.current, 20, 20)
    drag.begin(at)
  }
  const allow = (event: DragEvent) => {
    if (drag.from === undefined) return
    event.preventDefault()
    drag.enter(at)
  }
  const keyboard = (event: KeyboardEvent) => {
    const to = { ArrowUp: at - 1, ArrowDown: at + 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    onMove(to)
  }
  return (
    <li
      ref={row}
      className={classes.step}
      data-dragged={drag.from === at || undefined}
      data-over={over}
      onDragOver={allow}
      onDrop={(event) => {
        event.preventDefault()
        drag.drop()
      }}
    >
      <ActionIcon
        variant="subtle"
        color="gray"
        className={classes.handle}
        data-handle
        draggable
        aria-label={`Move ${name}: drag, or press the arrow keys`}
        onDragStart={begin}
        onDragEnd={drag.end}
        onKeyDown={keyboard}
      >
        <IconGripVertical size={16} />
      </ActionIcon>
      <span className={classes.number} aria-hidden="true">
        {at + 1}
      </span>
      <div className={classes.sync}>
        <span title={name}>{name}</span>
        <StepNote sync={sync} slug={step.sync} />
      </div>
      <TerminateInput name={name} step={step} onChange={onChange} />
      <div className={classes.buttons}>
        <ActionIcon variant="subtle" color="gray" aria-label={`Move ${name} up`} disabled={at === 0} onClick={() => onMove(at - 1)}>
          <IconArrowUp size={15} />
        </ActionIcon>
        <ActionIcon variant="subtle" color="gray" aria-label={`Move ${name} down`} disabled={last} onClick={() => onMove(at + 1)}>
          <IconArrowDown size={15} />
        </ActionIcon>
        <ActionIcon variant="subtle" color="gray" aria-label={`Remove ${name}`} onClick={onRemove}>
          <IconTrash size={15} />
        </ActionIcon>
      </div>
    </li>
  )
}

/** Where the rows of a step go, or what about its sync should be known. */
function StepNote({ sync, slug }: { sync: Sync | undefined; slug: string }) {
  if (sync === undefined) return <small className={classes.hint}>There is no sync {slug}</small>
  if (typeOf(sync.spec.schedule) !== 'manual' && !sync.spec.disabled) {
    return <small className={classes.hint}>Also runs by a schedule of its own</small>
  }
  return (
    <small className="muted">
      {sync.status?.model.name ?? sync.spec.model} to {sync.status?.destination.name ?? sync.spec.destination}
    </small>
  )
}

function TerminateInput({ name, step, onChange }: { name: string; step: SequenceStep; onChange: (step: SequenceStep) => void }) {
  const terminate = terminateOf(step)
  const { unit, value } = limitOf(step)
  return (
    <div className={classes.terminate}>
      <Select
        aria-label={`Terminate after ${name}`}
        allowDeselect={false}
        data={terminates.map((t) => ({ value: t, label: terminateWords[t].label }))}
        value={terminate}
        onChange={(next) => onChange(withTerminate(step, next ?? 'rejected'))}
      />
      {terminate === 'rejected' && (
        <div className={classes.limit}>
          <NumberInput
            size="xs"
            w={90}
            aria-label={`Rejected rows of ${name} that are too many`}
            min={unit === 'count' ? 1 : 0}
            max={unit === 'percent' ? 100 : undefined}
            allowDecimal={unit === 'percent'}
            value={value}
            error={limitProblem(step)}
            onChange={(next) => onChange(withLimit(step, unit, Number(next)))}
          />
          <Select
            size="xs"
            aria-label={`Unit of the rejected rows of ${name}`}
            allowDeselect={false}
            data={[
              { value: 'count', label: 'rejected rows' },
              { value: 'percent', label: '% of queried rows' },
            ]}
            value={unit}
            onChange={(next) => onChange(withLimit(step, next ?? 'count', 1))}
          />
        </div>
      )}
    </div>
  )
}
