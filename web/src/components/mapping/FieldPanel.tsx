import { TextInput } from '@mantine/core'
import { IconGripVertical, IconPlus, IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { FieldIcon } from '~/components/grid/FieldIcon'
import { RequiredMark } from '~/components/grid/options'
import { TypeIcon } from '~/components/grid/TypeIcon'
import type { Mapping, ModelColumn, TargetField } from '~/services/types'
import { carry, useDrop } from './drag'
import classes from './Mapping.module.css'
import { headings, matchingColumns, matchingFields } from './sections'

interface Props {
  columns: ModelColumn[]
  /** The fields that nothing fills. */
  free: TargetField[]
  mappings: Mapping[]
  /** Fills a field with a column; without one, begins a mapping to it. */
  onPair: (field: string, column: string) => void
}

/** The model's columns beside the fields that nothing fills: a column is dragged onto a field, or a field is chosen. */
export function FieldPanel({ columns, free, mappings, onPair }: Props) {
  const [search, setSearch] = useState('')
  const used = new Set(mappings.map((m) => m.from))
  const fields = matchingFields(free, search)
  const found = matchingColumns(columns, search)
  return (
    <section className={classes.palette} aria-label="Columns and free fields">
      <TextInput
        size="xs"
        aria-label="Search columns and fields"
        placeholder="Search columns and fields"
        leftSection={<IconSearch size={14} aria-hidden />}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      <div className={classes.pair}>
        <div role="region" aria-label="Columns" tabIndex={0}>
          <h4>Columns: drag one onto a field</h4>
          <ul>
            {found.map((column) => (
              <li key={column.name} className={classes.column} draggable onDragStart={(event) => carry(event, column.name)} title={column.override ?? column.description}>
                <IconGripVertical size={14} aria-hidden color="var(--muted)" />
                <TypeIcon type={column.cast ?? column.type} />
                <span className="truncate">{column.name}</span>
                {used.has(column.name) && <small className="muted">mapped</small>}
              </li>
            ))}
          </ul>
          {found.length === 0 && <p className="muted small">No column is called so.</p>}
        </div>
        <div role="region" aria-label="Fields that nothing fills" tabIndex={0}>
          <h4>Fields that nothing fills</h4>
          {headings(fields).map((name) => (
            <FreeFields key={name} name={name} fields={fields.filter((f) => (f.section ?? '') === name)} onPair={onPair} />
          ))}
          {fields.length === 0 && <p className="muted small">{free.length === 0 ? 'Every field is filled.' : 'No free field is called so.'}</p>}
        </div>
      </div>
    </section>
  )
}

function FreeFields({ name, fields, onPair }: { name: string; fields: TargetField[]; onPair: Props['onPair'] }) {
  if (fields.length === 0) return null
  return (
    <>
      {name !== '' && <h5>{name}</h5>}
      <ul>
        {fields.map((field) => (
          <FreeField key={field.name} field={field} onPair={onPair} />
        ))}
      </ul>
    </>
  )
}

function FreeField({ field, onPair }: { field: TargetField; onPair: Props['onPair'] }) {
  const drop = useDrop((column) => onPair(field.name, column))
  const name = field.label || field.name
  return (
    <li>
      <button type="button" className={classes.free} title={field.help} aria-label={`Map ${name}`} onClick={() => onPair(field.name, '')} {...drop}>
        <FieldIcon type={field.type} />
        <span className="truncate">
          {name}
          {field.required && <RequiredMark />}
        </span>
        <IconPlus size={13} aria-hidden color="var(--muted)" />
      </button>
    </li>
  )
}
