import { ActionIcon, Autocomplete, Select, TextInput } from '@mantine/core'
import { IconArrowRight, IconTrash } from '@tabler/icons-react'
import { FieldIcon } from '~/components/grid/FieldIcon'
import { FieldOption, RequiredMark } from '~/components/grid/options'
import type { Mapping, MappingKind, Property, TargetField } from '~/services/types'
import { useDrop } from './drag'
import classes from './Mapping.module.css'
import { kindOf, kindWords, withKind, withTarget } from './mappings'
import { Members } from './Members'
import { NullPolicyInput } from './NullPolicyInput'
import { ColumnSelect, ListInput, PropertyInput, StaticInput, VariableSelect } from './sources'
import { grouped } from './sections'
import { TemplateInput } from './TemplateInput'

interface Props {
  /** What the row is called, such as Mapping 1. */
  label: string
  mapping: Mapping
  /** Where the mapping leads: a field of the destination, or a member of an inline object. */
  target: Target
  kinds: MappingKind[]
  /** How many inline objects and arrays are around it. */
  depth: number
  /** Within an array: the properties of its objects. */
  item?: Property[]
  problem: string | undefined
  onChange: (mapping: Mapping) => void
  onRemove: () => void
}

/** The fields that may be filled; a member of an inline object has none and is typed in. */
export interface Target {
  fields: TargetField[]
  free: TargetField[]
  custom: boolean
  label: string
}

const nullable: MappingKind[] = ['column', 'template', 'array']

/** One mapping: what fills the field, and which field. */
export function MappingRow(props: Props) {
  const { label, mapping, kinds, problem, item, depth, onChange, onRemove } = props
  const kind = kindOf(mapping)
  const offered = kinds.includes(kind) ? kinds : [...kinds, kind]
  // A column that is dropped fills the field, whatever filled it before.
  const drop = useDrop((from) => onChange({ to: mapping.to, kind: 'column', from }))
  return (
    <div className={classes.mapping} role="group" aria-label={label} {...(item === undefined ? drop : {})}>
      <div className={classes.line}>
        <div className={offered.length > 1 ? classes.source : undefined}>
          {offered.length > 1 && (
            <Select
              aria-label="Filled with"
              data={offered.map((k) => ({ value: k, label: item !== undefined && k === 'column' ? 'Property' : kindWords[k] }))}
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
      {kind === 'template' && <TemplateInput mapping={mapping} onChange={onChange} />}
      {(kind === 'object' || kind === 'array') && (
        <Members label={label} mapping={mapping} item={item} depth={depth + 1} onChange={onChange} />
      )}
      {nullable.includes(kind) && <NullPolicyInput mapping={mapping} onChange={onChange} />}
      {problem !== undefined && <p className={classes.problem}>{problem}</p>}
    </div>
  )
}

function SourceInput({ mapping, target, item, onChange }: Props) {
  switch (kindOf(mapping)) {
    case 'column':
      return item === undefined ? <ColumnSelect mapping={mapping} onChange={onChange} /> : <PropertyInput mapping={mapping} item={item} onChange={onChange} />
    case 'static':
      return <StaticInput mapping={mapping} onChange={onChange} field={target.fields.find((f) => f.name === mapping.to)} />
    case 'variable':
      return <VariableSelect mapping={mapping} onChange={onChange} />
    case 'template':
      return <TextInput aria-label="Template" value="Liquid template below" readOnly />
    case 'array':
      return <ListInput mapping={mapping} item={item} onChange={onChange} />
    default:
      return <TextInput aria-label="Members" value="Object of the members below" readOnly />
  }
}

function TargetInput({ mapping, target: { fields, free, custom, label }, kinds, onChange }: Props) {
  const byName = new Map(fields.map((f) => [f.name, f]))
  const set = (to: string) => onChange(withTarget(mapping, to, byName.get(to)?.type, kinds))
  if (custom) {
    return (
      <Autocomplete
        aria-label={label}
        placeholder="Name of the field"
        data={grouped(free, (f) => f.name)}
        value={mapping.to}
        leftSection={byName.has(mapping.to) ? <FieldIcon type={byName.get(mapping.to)?.type ?? 'unknown'} /> : undefined}
        renderOption={({ option }) => <FieldOption name={byName.get(option.value)?.label || option.value} field={byName.get(option.value)} />}
        onChange={set}
      />
    )
  }
  const chosen = byName.get(mapping.to)
  const data = chosen === undefined ? free : [chosen, ...free]
  return (
    <Select
      aria-label={label}
      placeholder="Choose a field"
      searchable
      nothingFoundMessage="The destination has no such field left"
      data={grouped(data, (f) => ({ value: f.name, label: f.label || f.name }))}
      value={chosen === undefined ? null : mapping.to}
      leftSection={chosen === undefined ? undefined : <FieldIcon type={chosen.type} />}
      rightSection={chosen?.required === true ? <RequiredMark /> : undefined}
      renderOption={({ option }) => <FieldOption name={option.label} field={byName.get(option.value)} />}
      onChange={(next) => set(next ?? '')}
    />
  )
}
