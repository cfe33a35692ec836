import { Autocomplete, NumberInput, Select, TextInput } from '@mantine/core'
import { textOf } from '~/components/fields/fields'
import { ColumnOption } from '~/components/grid/options'
import { TypeIcon } from '~/components/grid/TypeIcon'
import type { Json, Mapping, Option, Property, TargetField } from '~/services/types'
import { useMappingContext } from './context'
import classes from './Mapping.module.css'
import { asStaticType, listsOfObjects, staticType, variables, type StaticType } from './mappings'

interface Props {
  mapping: Mapping
  onChange: (mapping: Mapping) => void
}

/** A column of the model. */
export function ColumnSelect({ mapping, onChange }: Props) {
  const { columns } = useMappingContext()
  const chosen = columns.find((c) => c.name === mapping.from)
  return (
    <Select
      aria-label="Column"
      placeholder="Choose a column"
      searchable
      nothingFoundMessage="The model has no such column"
      data={columns.map((c) => c.name)}
      value={mapping.from === '' ? null : (mapping.from ?? null)}
      leftSection={chosen === undefined ? undefined : <TypeIcon type={chosen.cast ?? chosen.type} />}
      renderOption={({ option }) => <ColumnOption name={option.label} column={columns.find((c) => c.name === option.value)} />}
      onChange={(next) => onChange({ ...mapping, from: next ?? '' })}
    />
  )
}

/** A property of the objects in a list. One that the first rows do not show may be typed in (SY-34). */
export function PropertyInput({ mapping, onChange, item }: Props & { item: Property[] }) {
  return (
    <Autocomplete
      aria-label="Property"
      placeholder="Property of each item"
      data={item.map((p) => p.name)}
      value={mapping.from ?? ''}
      onChange={(from) => onChange({ ...mapping, from })}
    />
  )
}

/** The column, or the property of an item, whose list of objects an inline array is made of. */
export function ListInput({ mapping, onChange, item }: Props & { item: Property[] | undefined }) {
  const { columns, properties } = useMappingContext()
  if (item !== undefined) {
    return (
      <Autocomplete
        aria-label="List of objects"
        placeholder="Property with a list of objects"
        data={listsOfObjects(item)}
        value={mapping.from ?? ''}
        onChange={(from) => onChange({ ...mapping, from })}
      />
    )
  }
  const compatible = listsOfObjects(properties)
  const chosen = mapping.from ?? ''
  const data = chosen === '' || compatible.includes(chosen) ? compatible : [chosen, ...compatible]
  return (
    <Select
      aria-label="List of objects"
      placeholder={compatible.length > 0 ? 'Choose a column with a list of objects' : 'No column holds a list of objects'}
      searchable
      nothingFoundMessage="No such column holds a list of objects in the model’s first rows"
      data={data.filter((name) => columns.some((c) => c.name === name) || name === chosen)}
      value={chosen === '' ? null : chosen}
      onChange={(from) => onChange({ ...mapping, from: from ?? '' })}
    />
  )
}

/** One of the run's variables (SY-27). */
export const VariableSelect = ({ mapping, onChange }: Props) => (
  <Select
    aria-label="Variable"
    data={variables}
    value={mapping.variable ?? null}
    allowDeselect={false}
    onChange={(next) => onChange({ ...mapping, variable: next ?? '' })}
  />
)

const staticTypes: { value: StaticType; label: string }[] = [
  { value: 'string', label: 'String' },
  { value: 'number', label: 'Number' },
  { value: 'boolean', label: 'Boolean' },
  { value: 'null', label: 'Null' },
]

/** A value that is the same for every row (SY-26). */
export function StaticInput({ mapping, onChange, field }: Props & { field: TargetField | undefined }) {
  const type = staticType(mapping.value)
  const set = (value: Mapping['value']) => onChange({ ...mapping, value })
  if (field?.options && field.options.length > 0) return <ChoiceInput field={field} options={field.options} value={mapping.value} onChange={set} />
  return (
    <div className={classes.static}>
      <Select
        aria-label="Data type"
        data={staticTypes}
        value={type}
        allowDeselect={false}
        onChange={(next) => set(asStaticType(mapping.value, next ?? 'string'))}
      />
      {type === 'string' && (
        <TextInput aria-label="Value" value={textOf(mapping.value)} onChange={(event) => set(event.currentTarget.value)} />
      )}
      {type === 'number' && (
        <NumberInput aria-label="Value" hideControls value={Number(mapping.value)} onChange={(next) => set(Number(next))} />
      )}
      {type === 'boolean' && (
        <Select
          aria-label="Value"
          data={['true', 'false']}
          value={mapping.value === true ? 'true' : 'false'}
          allowDeselect={false}
          onChange={(next) => set(next === 'true')}
        />
      )}
      {type === 'null' && <TextInput aria-label="Value" value="null" readOnly />}
    </div>
  )
}

interface ChoiceProps {
  field: TargetField
  options: Option[]
  value: Json | undefined
  onChange: (value: Json) => void
}

/** One of the values that the destination takes for a field. Another one, as an older mapping may have it, stays choosable. */
function ChoiceInput({ field, options, value, onChange }: ChoiceProps) {
  const current = textOf(value)
  const known = options.map((o) => ({ value: o.value, label: o.label || o.value, help: o.help }))
  const data = current === '' || known.some((o) => o.value === current) ? known : [{ value: current, label: current, help: undefined }, ...known]
  const help = new Map(data.map((o) => [o.value, o.help]))
  return (
    <Select
      aria-label="Value"
      placeholder="Choose a value"
      searchable
      nothingFoundMessage="The destination takes no such value"
      data={data}
      value={current === '' ? null : current}
      renderOption={({ option }) => (
        <span>
          {option.label} <small className="muted">{help.get(option.value) ?? (option.label === option.value ? '' : option.value)}</small>
        </span>
      )}
      onChange={(next) => onChange(field.type === 'number' && next !== null ? Number(next) : (next ?? ''))}
    />
  )
}
