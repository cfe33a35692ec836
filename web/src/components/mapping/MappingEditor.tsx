import { Button } from '@mantine/core'
import { IconPlus, IconWand } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { sentenceList } from '~/components/format/format'
import { functionsQuery, propertiesQuery } from '~/services/templates'
import type { Json, Mapping, ModelColumn, TargetField } from '~/services/types'
import { MappingContext, type MappingContextValue } from './context'
import classes from './Mapping.module.css'
import { MappingRow } from './MappingRow'
import { kindOf, kindsAt, mapAllByName, mappingProblems, unmappedFields } from './mappings'

export interface MappingEditorProps {
  /** The model's slug. */
  model: string
  /** The slug of the sync, where it is saved. */
  sync?: string
  /** The column whose elements are the sync's rows. */
  array?: string
  /** What empties a field at the destination, where it is not null. */
  clear?: Json
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
  const context = useEditorContext(props)
  const problems = mappingProblems(value, columns, fields)
  const free = unmappedFields(fields, value)
  const replace = (index: number, mapping: Mapping) => onChange(value.map((m, i) => (i === index ? mapping : m)))
  const add = () => onChange([...value, { to: free.find((f) => f.required)?.name ?? '', kind: 'column', from: '' }])
  return (
    <MappingContext value={context}>
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
          label={`Mapping ${index + 1}`}
          mapping={mapping}
          target={{ fields, free, custom, label: 'Destination field' }}
          kinds={advanced ? kindsAt(0) : ['column']}
          depth={0}
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
    </MappingContext>
  )
}

/** Whether one of the mappings, or of their members, is of a kind. */
const uses = (mappings: Mapping[], kind: string): boolean => mappings.some((m) => kindOf(m) === kind || uses(m.fields ?? [], kind))

/** Loads what templates and inline arrays need when there is one. */
function useEditorContext({ model, sync, array, columns, value, advanced, clear, checked }: MappingEditorProps): MappingContextValue {
  const functions = useQuery({ ...functionsQuery, enabled: advanced && uses(value, 'template') })
  const properties = useQuery({ ...propertiesQuery(model), enabled: advanced && uses(value, 'array') })
  return useMemo(() => {
    const items = functions.data?.items ?? []
    const word = (kind: string) => items.filter((f) => f.kind === kind).map((f) => ({ label: f.name, detail: f.args, info: f.summary }))
    const names = columns.map((c) => c.name)
    const words = { columns: names, context: functions.data?.variables ?? [], filters: word('filter'), tags: word('tag') }
    return { model, sync, array, columns, properties: properties.data ?? [], functions: items, groups: functions.data?.groups ?? [], words, clear, checked }
  }, [model, sync, array, columns, properties.data, functions.data, clear, checked])
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
