import { Button, TextInput, UnstyledButton } from '@mantine/core'
import { IconArrowsLeftRight, IconChevronDown, IconChevronRight, IconPlus, IconSearch, IconWand } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useId, useMemo, useState, type ReactNode } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { sentenceList } from '~/components/format/format'
import { functionsQuery, propertiesQuery } from '~/services/templates'
import type { Json, Mapping, ModelColumn, TargetField } from '~/services/types'
import { MappingContext, type MappingContextValue } from './context'
import { FieldPanel } from './FieldPanel'
import classes from './Mapping.module.css'
import { MappingRow } from './MappingRow'
import { kindOf, kindsAt, mapAllByName, mappingProblems, unmappedFields } from './mappings'
import { matchesSearch, sectionsOf, withColumn, type Section } from './sections'

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
  const [search, setSearch] = useState('')
  const [panel, setPanel] = useState(false)
  const sections = useMemo(() => sectionsOf(fields, value), [fields, value])
  const byName = new Map(fields.map((f) => [f.name, f]))
  const searchable = value.length > searchedFrom
  // A row with a problem is never hidden by a search.
  const shown = (section: Section) =>
    section.rows.filter(({ mapping, index }) => !searchable || matchesSearch(mapping, byName.get(mapping.to), search) || (checked && problems.rows[index] !== undefined))
  return (
    <MappingContext value={context}>
    <div className={classes.editor}>
      {searchable && (
        <TextInput
          size="xs"
          aria-label="Search mappings"
          placeholder="Search mappings"
          leftSection={<IconSearch size={14} aria-hidden />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
      )}
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
      {sections.map((section, i) => (
        <SectionRows key={`${i} ${section.name}`} section={section}>
          {shown(section).map(({ mapping, index }) => (
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
        </SectionRows>
      ))}
      {checked && problems.missing.length > 0 && (
        <p className={classes.problem}>The destination requires {sentenceList(problems.missing)}.</p>
      )}
      <Buttons {...props} onAdd={add} panel={panel} onPanel={() => setPanel(!panel)} />
      {panel && <FieldPanel columns={columns} free={free} mappings={value} onPair={(to, from) => onChange(withColumn(value, to, from))} />}
    </div>
    </MappingContext>
  )
}

/** From how many mappings on they can be searched. */
const searchedFrom = 8

/** The mappings under one heading of the destination, which can be folded away. */
function SectionRows({ section: { name, rows, fields }, children }: { section: Section; children: ReactNode }) {
  const id = useId()
  const [open, setOpen] = useState(true)
  if (name === '') return children
  const Chevron = open ? IconChevronDown : IconChevronRight
  return (
    <div role="group" aria-labelledby={id}>
      <UnstyledButton className={classes.section} aria-expanded={open} onClick={() => setOpen(!open)}>
        <Chevron size={15} aria-hidden />
        <span id={id}>{name}</span>
        <small className="muted num">
          {rows.length} of {fields} mapped
        </small>
      </UnstyledButton>
      {open && children}
    </div>
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

function Buttons({ columns, fields, value, onChange, custom, onSuggest, suggesting, onAdd, panel, onPanel }: MappingEditorProps & { onAdd: () => void; panel: boolean; onPanel: () => void }) {
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
      {fields.length > 0 && (
        <Button variant="default" size="xs" leftSection={<IconArrowsLeftRight size={14} />} aria-expanded={panel} onClick={onPanel}>
          Columns and free fields
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
