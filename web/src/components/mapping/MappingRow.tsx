import { ActionIcon, Autocomplete, Checkbox, NumberInput, Select, TextInput, Tooltip } from '@mantine/core'
import { IconArrowRight, IconTrash } from '@tabler/icons-react'
import { CodeEditor } from '~/components/code/CodeEditor'
import { textOf } from '~/components/fields/fields'
import { FieldIcon } from '~/components/grid/FieldIcon'
import { ColumnOption, FieldOption, RequiredMark } from '~/components/grid/options'
import { TypeIcon } from '~/components/grid/TypeIcon'
import type { Mapping, MappingKind, ModelColumn, TargetField } from '~/services/types'
import classes from './Mapping.module.css'
import { asStaticType, kindOf, kindWords, staticType, variables, withKind, type StaticType } from './mappings'

interface Props {
  number: number
  mapping: Mapping
  columns: ModelColumn[]
  fields: TargetField[]
  free: TargetField[]
  custom: boolean
  kinds: MappingKind[]
  problem: string | undefined
  onChange: (mapping: Mapping) => void
  onRemove: () => void
}

/** One mapping: what fills the field, and which field. */
export function MappingRow(props: Props) {
  const { number, mapping, kinds, problem, onChange, onRemove } = props
  const kind = kindOf(mapping)
  const offered = kinds.includes(kind) ? kinds : [...kinds, kind]
  return (
    <div className={classes.mapping} role="group" aria-label={`Mapping ${number}`}>
      <div className={classes.line}>
        <div className={offered.length > 1 ? classes.source : undefined}>
          {offered.length > 1 && (
            <Select
              aria-label="Filled with"
              data={offered.map((k) => ({ value: k, label: kindWords[k] }))}
              value={kind}
              allowDeselect={false}
              onChange={(next) => next !== null && onChange(withKind(mapping, next))}
            />
          )}
          <SourceInput {...props} />
        </div>
        <IconArrowRight size={16} aria-hidden className={classes.arrow} />
        <TargetInput {...props} />
        <ActionIcon variant="subtle" color="gray" aria-label={`Remove the mapping to ${mapping.to || 'nothing'}`} onClick={onRemove}>
          <IconTrash size={15} />
        </ActionIcon>
      </div>
      {kind === 'template' && <TemplateInput {...props} />}
      {kind === 'column' && (
        <Tooltip label="A null value is left out of the request instead of being sent as null." multiline w={260}>
          <Checkbox
            size="xs"
            label="Don’t sync null values"
            className={classes.omit}
            checked={mapping.omitNull === true}
            onChange={(event) => onChange({ ...mapping, omitNull: event.currentTarget.checked })}
          />
        </Tooltip>
      )}
      {problem !== undefined && <p className={classes.problem}>{problem}</p>}
    </div>
  )
}

function SourceInput(props: Props) {
  const { mapping, onChange } = props
  switch (kindOf(mapping)) {
    case 'column':
      return <ColumnSelect {...props} />
    case 'static':
      return <StaticInput mapping={mapping} onChange={onChange} />
    case 'variable':
      return (
        <Select
          aria-label="Variable"
          data={variables}
          value={mapping.variable ?? null}
          allowDeselect={false}
          onChange={(next) => onChange({ ...mapping, variable: next ?? '' })}
        />
      )
    case 'template':
      return <TextInput aria-label="Template" value="Liquid template below" readOnly />
    default:
      return <TextInput aria-label="Members" value={`${mapping.fields?.length ?? 0} members; edit as JSON`} readOnly />
  }
}

function ColumnSelect({ mapping, columns, onChange }: Props) {
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

const staticTypes: { value: StaticType; label: string }[] = [
  { value: 'string', label: 'String' },
  { value: 'number', label: 'Number' },
  { value: 'boolean', label: 'Boolean' },
  { value: 'null', label: 'Null' },
]

function StaticInput({ mapping, onChange }: Pick<Props, 'mapping' | 'onChange'>) {
  const type = staticType(mapping.value)
  const set = (value: Mapping['value']) => onChange({ ...mapping, value })
  return (
    <div className={classes.static}>
      <Select
        aria-label="Data type"
        data={staticTypes}
        value={type}
        allowDeselect={false}
        onChange={(next) => set(asStaticType(mapping.value, (next ?? 'string')))}
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

function TemplateInput({ mapping, columns, onChange }: Props) {
  return (
    <div className={classes.template}>
      <CodeEditor
        label={`Template for ${mapping.to || 'the field'}`}
        language="liquid"
        value={mapping.template ?? ''}
        names={columns.map((c) => c.name)}
        minHeight={56}
        maxHeight={200}
        onChange={(template) => onChange({ ...mapping, template })}
      />
      <p className="muted small">
        Liquid, for example <code>{'{{ row.first_name | upcase }}'}</code>
      </p>
    </div>
  )
}

function TargetInput({ mapping, fields, free, custom, onChange }: Props) {
  const byName = new Map(fields.map((f) => [f.name, f]))
  const set = (to: string) => onChange({ ...mapping, to })
  if (custom) {
    return (
      <Autocomplete
        aria-label="Destination field"
        placeholder="Name of the field"
        data={free.map((f) => f.name)}
        value={mapping.to}
        leftSection={byName.has(mapping.to) ? <FieldIcon type={byName.get(mapping.to)?.type ?? 'unknown'} /> : undefined}
        renderOption={({ option }) => <FieldOption name={option.value} field={byName.get(option.value)} />}
        onChange={set}
      />
    )
  }
  const chosen = byName.get(mapping.to)
  const data = chosen === undefined ? free : [chosen, ...free]
  return (
    <Select
      aria-label="Destination field"
      placeholder="Choose a field"
      searchable
      nothingFoundMessage="The destination has no such field left"
      data={data.map((f) => ({ value: f.name, label: f.label || f.name }))}
      value={chosen === undefined ? null : mapping.to}
      leftSection={chosen === undefined ? undefined : <FieldIcon type={chosen.type} />}
      rightSection={chosen?.required === true ? <RequiredMark /> : undefined}
      renderOption={({ option }) => <FieldOption name={option.label} field={byName.get(option.value)} />}
      onChange={(next) => set(next ?? '')}
    />
  )
}
