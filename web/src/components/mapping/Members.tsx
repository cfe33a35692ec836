import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import type { Mapping, Property } from '~/services/types'
import { useMappingContext } from './context'
import classes from './Mapping.module.css'
import { itemProperties, kindOf, kindsAt, mappingProblems } from './mappings'
import { MappingRow } from './MappingRow'
import { TryResult } from './TryResult'

interface Props {
  /** What the mapping is called whose members these are. */
  label: string
  mapping: Mapping
  /** Where the mapping itself is within an array: the properties of that array's objects. */
  item: Property[] | undefined
  depth: number
  onChange: (mapping: Mapping) => void
}

/** The members of an inline object, or of the objects of an inline array (SY-33 to SY-35). */
export function Members({ label, mapping, item, depth, onChange }: Props) {
  const { columns, properties, checked } = useMappingContext()
  const array = kindOf(mapping) === 'array'
  const inner = array ? itemProperties(item ?? properties, mapping.from) : item
  const fields = mapping.fields ?? []
  const set = (next: Mapping[]) => onChange({ ...mapping, fields: next })
  const problems = mappingProblems(fields, inner === undefined ? columns : undefined, [])
  return (
    <div className={classes.members}>
      {fields.length === 0 && (
        <p className="muted small">
          {array ? 'Each object of the list becomes an object of these members.' : 'The object is made of these members.'}
        </p>
      )}
      {fields.map((field, index) => (
        <MappingRow
          key={index}
          label={`${label}, member ${index + 1}`}
          mapping={field}
          target={{ fields: [], free: [], custom: true, label: 'Name of the member' }}
          kinds={kindsAt(depth)}
          depth={depth}
          item={inner}
          problem={checked ? problems.rows[index] : undefined}
          onChange={(next) => set(fields.map((f, i) => (i === index ? next : f)))}
          onRemove={() => set(fields.filter((_, i) => i !== index))}
        />
      ))}
      <div className="row wrap">
        <Button variant="default" size="xs" leftSection={<IconPlus size={14} />} onClick={() => set([...fields, { to: '', kind: 'column', from: '' }])}>
          Add member
        </Button>
        {inner !== undefined && inner.length > 0 && (
          <Button variant="default" size="xs" onClick={() => set(withProperties(fields, inner))}>
            Add all properties
          </Button>
        )}
      </div>
      {depth === 1 && fields.length > 0 && <TryResult mapping={mapping} />}
    </div>
  )
}

/** The members and one for each property that none is filled with, under the property's name. */
function withProperties(fields: Mapping[], properties: Property[]): Mapping[] {
  const kept = fields.filter((f) => f.to !== '' || (f.from ?? '') !== '' || kindOf(f) !== 'column')
  const used = new Set(kept.flatMap((f) => [f.to, f.from]))
  return [...kept, ...properties.filter((p) => !used.has(p.name)).map((p): Mapping => ({ to: p.name, kind: 'column', from: p.name }))]
}
