import { Select, TextInput } from '@mantine/core'
import { TypeIcon } from '~/components/grid/TypeIcon'
import { typeWords } from '~/components/grid/types'
import type { ColumnType, PropertyCondition } from '~/services/types'
import classes from './Condition.module.css'
import { freshProperty, jsonTypes, operandOf, operatorsOf, typeOf, withOperator, wordsOf, type ConditionColumn } from './conditions'
import { MomentInput, PeriodInput } from './MomentInput'
import { SizeInput, ValueInput, ValuesInput } from './ValuesInput'

interface Props {
  columns: ConditionColumn[]
  value: PropertyCondition
  onChange: (value: PropertyCondition) => void
  /** Values that the column is known to have. */
  known: string[]
  focus: boolean
}

/** A condition on a column: the column, how it is compared, and with what. */
export function PropertyInput({ columns, value, onChange, known, focus }: Props) {
  const type = typeOf(value, columns)
  const gone = type === undefined && value.column !== ''
  const data = columns.map(({ name, label }) => ({ value: name, label: label ?? name }))
  const choose = (name: string | null) => {
    const column = columns.find((one) => one.name === name)
    if (column !== undefined) onChange(freshProperty(column))
  }
  return (
    <>
      <div className={classes.column}>
        <Select
          size="xs"
          aria-label="Column"
          placeholder="Choose a column"
          searchable
          allowDeselect={false}
          data={gone ? [...data, { value: value.column, label: `${value.column} (gone)` }] : data}
          value={value.column === '' ? null : value.column}
          error={gone}
          leftSection={type === undefined ? undefined : <TypeIcon type={columns.find(({ name }) => name === value.column)?.type ?? type} size={14} />}
          renderOption={({ option }) => (
            <span className={classes.option}>
              <TypeIcon type={columns.find(({ name }) => name === option.value)?.type ?? ''} size={14} />
              {option.label}
            </span>
          )}
          nothingFoundMessage="No column matches."
          maxDropdownHeight={280}
          autoFocus={focus}
          onChange={choose}
        />
        {columns.find(({ name }) => name === value.column)?.type === 'object' && <JsonPlace value={value} onChange={onChange} />}
      </div>
      <Select
        className={classes.operator}
        size="xs"
        aria-label="Operator"
        allowDeselect={false}
        data={operatorsOf(type ?? 'string').map((operator) => ({ value: operator, label: wordsOf(operator) }))}
        value={value.operator}
        disabled={type === undefined}
        onChange={(next) => next !== null && onChange(withOperator(value, next, type ?? 'string'))}
      />
      <div className={classes.compared}>{type !== undefined && <OperandInput type={type} value={value} onChange={onChange} known={known} />}</div>
    </>
  )
}

/** Where in JSON a value stands, and what it is taken as (AUD-12). */
function JsonPlace({ value, onChange }: Pick<Props, 'value' | 'onChange'>) {
  const take = (type: string | null) => {
    const own = jsonTypes.find((one) => one === type)
    const next = { ...value, type: own }
    const operators = operatorsOf(own ?? 'object')
    onChange(withOperator(next, operators.includes(value.operator) ? value.operator : (operators[0] ?? 'exists'), own ?? 'object'))
  }
  return (
    <div className={classes.json}>
      <TextInput
        size="xs"
        aria-label="Path in the JSON"
        placeholder="order.items.0.sku"
        value={value.path ?? ''}
        onChange={(event) => onChange({ ...value, path: event.currentTarget.value === '' ? undefined : event.currentTarget.value })}
      />
      <Select
        size="xs"
        aria-label="Type of the value in the JSON"
        w={104}
        style={{ flex: 'none' }}
        allowDeselect={false}
        data={[{ value: 'any', label: 'Any type' }, ...jsonTypes.map((type) => ({ value: type, label: typeWords[type as ColumnType] }))]}
        value={value.type ?? 'any'}
        onChange={take}
      />
    </div>
  )
}

function OperandInput({ type, value, onChange, known }: Omit<Props, 'columns' | 'focus'> & { type: ColumnType }) {
  const set = (patch: Partial<PropertyCondition>) => onChange({ ...value, ...patch })
  const daily = type === 'date'
  switch (operandOf(value.operator, type)) {
    case 'none':
      return null
    case 'values':
      return <ValuesInput type={type} values={value.values ?? []} onChange={(values) => set({ values })} known={known} />
    case 'value':
      return <ValueInput type={type} values={value.values ?? []} onChange={(values) => set({ values })} />
    case 'size':
      return <SizeInput value={value} onChange={onChange} />
    case 'moment':
      return (
        <div className={classes.operand}>
          <MomentInput label="Time" value={value.from ?? {}} onChange={(from) => set({ from })} daily={daily} />
        </div>
      )
    case 'moments':
      return (
        <div className={classes.operand}>
          <MomentInput label="First time" value={value.from ?? {}} onChange={(from) => set({ from })} daily={daily} />
          <span className="small">and</span>
          <MomentInput label="Last time" value={value.to ?? {}} onChange={(to) => set({ to })} daily={daily} />
        </div>
      )
    case 'period':
      return (
        <div className={classes.operand}>
          <PeriodInput value={value.period ?? { n: 30, unit: 'day' }} onChange={(period) => set({ period })} daily={daily} />
        </div>
      )
  }
}
