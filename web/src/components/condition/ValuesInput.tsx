import { NumberInput, Select, TagsInput, TextInput } from '@mantine/core'
import { useState, type DragEvent } from 'react'
import { saidFailed } from '~/components/feedback/toast'
import { count, plural } from '~/components/format/format'
import type { ColumnType, PropertyCondition } from '~/services/types'
import classes from './Condition.module.css'
import { numbersIn, valuesIn } from './conditions'

interface Props {
  type: ColumnType
  values: unknown[]
  onChange: (values: unknown[]) => void
}

/** How many values a condition takes at most. */
const most = 5000

/** Shown of a long list; the rest is counted. */
const shownValues = 100

/** Several values, of which one must fit: typed, pasted, or dropped as a file of them (AUD-13). */
export function ValuesInput({ type, values, onChange, known }: Props & { known: string[] }) {
  const [over, setOver] = useState(false)
  const texts = values.map(String)
  const take = (next: string[]) => {
    if (next.length > most) {
      saidFailed('Not every value was taken', new Error(`${count(next.length)} values are more than ${count(most)}. Put them into a table of the source, and join it in the model.`))
    }
    const some = next.slice(0, most)
    if (type !== 'number') {
      onChange(some)
      return
    }
    const none = some.filter((text) => numbersIn([text]).length === 0)
    if (none.length > 0) saidFailed('Not every value was taken', new Error(`${plural(none.length, 'value is', 'values are')} no number, the first of them “${none[0]}”.`))
    onChange(numbersIn(some))
  }
  const drop = async (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    const files = [...event.dataTransfer.files]
    const read = await Promise.all(files.map((file) => file.text()))
    take([...new Set([...texts, ...valuesIn(read.length > 0 ? read.join('\n') : event.dataTransfer.getData('text'))])])
  }
  const hidden = Math.max(0, texts.length - shownValues)
  return (
    <div
      className={classes.operand}
      data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => void drop(event)}
    >
      <TagsInput
        className={classes.grows}
        size="xs"
        aria-label={type === 'number' ? 'Numbers' : 'Values'}
        placeholder={texts.length === 0 ? (type === 'number' ? 'Numbers, or drop a file of them' : 'Values, or drop a file of them') : undefined}
        data={known}
        limit={50}
        value={texts.slice(0, shownValues)}
        splitChars={[',', ';', '\t', '\n']}
        clearable
        onClear={() => onChange([])}
        onPaste={(event) => {
          const pasted = valuesIn(event.clipboardData.getData('text'))
          if (pasted.length < 2) return
          event.preventDefault()
          take([...new Set([...texts, ...pasted])])
        }}
        acceptValueOnBlur
        onChange={(next) => take([...next, ...texts.slice(shownValues)])}
      />
      {hidden > 0 && <span className="muted small num">and {count(hidden)} more</span>}
    </div>
  )
}

/** One value. */
export function ValueInput({ type, values, onChange }: Props) {
  if (type === 'boolean') {
    return (
      <Select
        size="xs"
        w={110}
        aria-label="Value"
        placeholder="Choose"
        allowDeselect={false}
        data={['true', 'false']}
        value={values.length === 0 ? null : String(values[0])}
        onChange={(next) => onChange(next === null ? [] : [next === 'true'])}
      />
    )
  }
  const text = values.length === 0 ? '' : String(values[0])
  return <TextInput size="xs" aria-label="Value" placeholder="Value" value={text} onChange={(event) => onChange(event.currentTarget.value === '' ? [] : [event.currentTarget.value])} />
}

/** A percentile that is still to be entered. */
const unset = -1

/** A number, or a percentile of the column (AUD-5); what stands within JSON has none. */
export function SizeInput({ value, onChange }: { value: PropertyCondition; onChange: (value: PropertyCondition) => void }) {
  const { percentile, values, ...rest } = value
  const of = percentile === undefined ? 'number' : 'percentile'
  const number = percentile === unset ? undefined : (percentile ?? (values?.[0] as number | undefined))
  return (
    <div className={classes.operand}>
      {rest.type === undefined && (
        <Select
          size="xs"
          w={122}
          aria-label="Compare with"
          allowDeselect={false}
          data={[
            { value: 'number', label: 'the number' },
            { value: 'percentile', label: 'the percentile' },
          ]}
          value={of}
          onChange={(next) => onChange(next === 'percentile' ? { ...rest, percentile: 50 } : { ...rest, values: [] })}
        />
      )}
      <NumberInput
        size="xs"
        w={130}
        aria-label={of === 'number' ? 'Number' : 'Percentile'}
        placeholder="Number"
        hideControls
        min={of === 'percentile' ? 0 : undefined}
        max={of === 'percentile' ? 100 : undefined}
        value={number ?? ''}
        onChange={(next) => {
          const n = next === '' || next === '-' ? undefined : Number(next)
          onChange(of === 'percentile' ? { ...rest, percentile: n ?? unset } : { ...rest, values: n === undefined ? [] : [n] })
        }}
      />
      {of === 'percentile' && <span className="muted small">of all rows</span>}
    </div>
  )
}
