import { Button, Checkbox, Popover, TextInput } from '@mantine/core'
import { IconChevronDown, IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import classes from './Filter.module.css'

export interface Choice {
  value: string
  label: string
}

/** Choices whose words hold a text. */
const matching = (choices: Choice[], text: string): Choice[] => {
  const wanted = text.trim().toLowerCase()
  return wanted === '' ? choices : choices.filter(({ label }) => label.toLowerCase().includes(wanted))
}

/** What a filter's button says: its name, and what was chosen of it. */
export function filterWords(label: string, choices: Choice[], chosen: string[]): string {
  if (chosen.length === 0) return label
  const [only = ''] = chosen
  return chosen.length === 1 ? `${label}: ${choices.find(({ value }) => value === only)?.label ?? only}` : `${label}: ${chosen.length}`
}

interface PanelProps {
  label: string
  choices: Choice[]
  chosen: string[]
  onChange: (chosen: string[]) => void
}

function Panel({ label, choices, chosen, onChange }: PanelProps) {
  const [text, setText] = useState('')
  const shown = matching(choices, text)
  const toggle = (value: string) => onChange(chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value])
  return (
    <fieldset className={classes.panel}>
      <legend className="visually-hidden">{label}</legend>
      {choices.length > 8 && (
        <TextInput
          size="xs"
          aria-label={`Search ${label.toLowerCase()}`}
          placeholder="Search"
          leftSection={<IconSearch size={14} aria-hidden />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      )}
      <div className={classes.choices}>
        {shown.slice(0, 200).map(({ value, label: words }) => (
          <Checkbox key={value} size="xs" label={words} checked={chosen.includes(value)} onChange={() => toggle(value)} />
        ))}
        {shown.length === 0 && <p className="muted small">{choices.length === 0 ? 'There is nothing to choose from.' : 'Nothing matches.'}</p>}
        {shown.length > 200 && <p className="muted small">Search to see {shown.length - 200} more.</p>}
      </div>
      {chosen.length > 0 && (
        <Button size="compact-xs" variant="subtle" onClick={() => onChange([])}>
          Clear
        </Button>
      )}
    </fieldset>
  )
}

interface Props extends PanelProps {
  /** One choice rules the others out. */
  single?: boolean
}

/** One filter of a list: several choices are alternatives. */
export function FilterMenu({ single = false, ...panel }: Props) {
  const { label, choices, chosen, onChange } = panel
  const change = (next: string[]) => onChange(single ? next.slice(-1) : next)
  return (
    <Popover position="bottom-start" trapFocus returnFocus shadow="md">
      <Popover.Target>
        <Button
          size="xs"
          variant="default"
          className={classes.button}
          data-active={chosen.length > 0 ? true : undefined}
          rightSection={<IconChevronDown size={13} aria-hidden />}
        >
          {filterWords(label, choices, chosen)}
        </Button>
      </Popover.Target>
      <Popover.Dropdown p={8}>
        <Panel {...panel} onChange={change} />
      </Popover.Dropdown>
    </Popover>
  )
}

interface LabelProps {
  labels: { key: string; value: string; count: number }[]
  include: string[]
  exclude: string[]
  onChange: (include: string[], exclude: string[]) => void
}

/** The filter by labels, each of which can be wanted or unwanted (FOL-06). */
export function LabelFilter({ labels, include, exclude, onChange }: LabelProps) {
  const [text, setText] = useState('')
  const choices = labels.map(({ key, value }) => ({ value: `${key}:${value}`, label: `${key}: ${value}` }))
  const flip = (list: string[], value: string) => (list.includes(value) ? list.filter((one) => one !== value) : [...list, value])
  const without = (list: string[], value: string) => list.filter((one) => one !== value)
  const n = include.length + exclude.length
  return (
    <Popover position="bottom-start" trapFocus returnFocus shadow="md">
      <Popover.Target>
        <Button size="xs" variant="default" className={classes.button} data-active={n > 0 ? true : undefined} rightSection={<IconChevronDown size={13} aria-hidden />}>
          {n === 0 ? 'Labels' : `Labels: ${n}`}
        </Button>
      </Popover.Target>
      <Popover.Dropdown p={8}>
        <fieldset className={classes.panel}>
          <legend className="visually-hidden">Labels</legend>
          {choices.length > 8 && (
            <TextInput size="xs" aria-label="Search labels" placeholder="Search" leftSection={<IconSearch size={14} aria-hidden />} value={text} onChange={(event) => setText(event.currentTarget.value)} />
          )}
          {choices.length === 0 ? (
            <p className="muted small">Nothing has a label yet. Choose rows, then Actions and Add labels.</p>
          ) : (
            <table className={classes.labels}>
              <thead>
                <tr>
                  <th scope="col">Label</th>
                  <th scope="col">Include</th>
                  <th scope="col">Exclude</th>
                </tr>
              </thead>
              <tbody>
                {matching(choices, text).slice(0, 200).map(({ value, label }) => (
                  <tr key={value}>
                    <th scope="row" title={label}>{label}</th>
                    <td>
                      <Checkbox size="xs" aria-label={`Include ${label}`} checked={include.includes(value)} onChange={() => onChange(flip(include, value), without(exclude, value))} />
                    </td>
                    <td>
                      <Checkbox size="xs" aria-label={`Exclude ${label}`} checked={exclude.includes(value)} onChange={() => onChange(without(include, value), flip(exclude, value))} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </fieldset>
      </Popover.Dropdown>
    </Popover>
  )
}
