import { Button } from '@mantine/core'
import { IconPlus, IconWand } from '@tabler/icons-react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { sentenceList } from '~/components/format/format'
import type { Mapping, ModelColumn, TargetField } from '~/services/types'
import classes from './Mapping.module.css'
import { MappingRow } from './MappingRow'
import { editableKinds, mapAllByName, mappingProblems, unmappedFields } from './mappings'

export interface MappingEditorProps {
  columns: ModelColumn[]
  fields: TargetField[]
  value: Mapping[]
  onChange: (value: Mapping[]) => void
  /** Names that are not in fields may be typed in. */
  custom: boolean
  /** Static values, variables and templates are offered. */
  advanced: boolean
  /** Shows what is wrong. */
  checked: boolean
  onSuggest?: () => void
  suggesting?: boolean
}

/** Pairs of what the model has and what the destination's fields take. */
export function MappingEditor(props: MappingEditorProps) {
  const { columns, fields, value, onChange, custom, advanced, checked } = props
  const problems = mappingProblems(value, columns, fields)
  const free = unmappedFields(fields, value)
  const replace = (index: number, mapping: Mapping) => onChange(value.map((m, i) => (i === index ? mapping : m)))
  const add = () => onChange([...value, { to: free.find((f) => f.required)?.name ?? '', kind: 'column', from: '' }])
  return (
    <div className={classes.editor}>
      {value.length > 0 && (
        <div className={classes.heads} aria-hidden="true">
          <span>Model</span>
          <span />
          <span>Destination field</span>
        </div>
      )}
      {value.length === 0 && (
        <EmptyState icon={IconWand} title="No field is mapped yet">
          Let Millrace pair columns and fields by their names, or add them one by one.
        </EmptyState>
      )}
      {value.map((mapping, index) => (
        <MappingRow
          key={index}
          number={index + 1}
          mapping={mapping}
          columns={columns}
          fields={fields}
          free={free}
          custom={custom}
          kinds={advanced ? editableKinds : ['column']}
          problem={checked ? problems.rows[index] : undefined}
          onChange={(next) => replace(index, next)}
          onRemove={() => onChange(value.filter((_, i) => i !== index))}
        />
      ))}
      {checked && problems.missing.length > 0 && (
        <p className={classes.problem}>The destination requires {sentenceList(problems.missing)}.</p>
      )}
      <Buttons {...props} onAdd={add} />
    </div>
  )
}

function Buttons({ columns, fields, value, onChange, custom, onSuggest, suggesting, onAdd }: MappingEditorProps & { onAdd: () => void }) {
  return (
    <div className="row wrap">
      <Button variant="default" size="xs" leftSection={<IconPlus size={14} />} onClick={onAdd}>
        Add mapping
      </Button>
      {onSuggest !== undefined && fields.length > 0 && (
        <Button variant="default" size="xs" leftSection={<IconWand size={14} />} loading={suggesting} onClick={onSuggest}>
          Suggest mappings
        </Button>
      )}
      {custom && (
        <Button
          variant="default"
          size="xs"
          leftSection={<IconWand size={14} />}
          onClick={() => onChange(mapAllByName(value, columns))}
        >
          Map all columns by name
        </Button>
      )}
    </div>
  )
}
