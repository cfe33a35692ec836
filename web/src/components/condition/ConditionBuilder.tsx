import { ActionIcon, Button, SegmentedControl } from '@mantine/core'
import { IconCopy, IconFolderPlus, IconPlus, IconTrash, IconX } from '@tabler/icons-react'
import { useRef, useState } from 'react'
import type { Condition } from '~/services/types'
import classes from './Condition.module.css'
import { freshProperty, groupOf, isGroup, junctionOf, membersOf, propertyProblem, propertyWords, type ConditionColumn } from './conditions'
import { PropertyInput } from './PropertyInput'

interface Props {
  /** The columns that conditions can be about. */
  columns: ConditionColumn[]
  value: Condition
  onChange: (value: Condition) => void
  /** Says what is missing: not before somebody has tried to use the conditions. */
  strict?: boolean
  /** Values that a column is known to have, as suggestions (AUD-14). */
  valuesOf?: (column: string) => string[]
  /** What the conditions are about: rows, people. */
  noun?: string
}

interface GroupProps extends Omit<Props, 'value' | 'onChange'> {
  value: Condition
  onChange: (value: Condition) => void
  /** How deep the group stands; the outermost is 0. */
  depth: number
  /** What the group is called for those who do not see where it stands. */
  name: string
}

/** How deep groups can be put into each other here. What is deeper, as it was written elsewhere, is shown all the same. */
const deepest = 4

/** Conditions in groups, each of which wants all of its conditions or any of them. */
export function ConditionBuilder({ value, ...props }: Props) {
  const root = isGroup(value) ? value : groupOf('all', [value])
  return <Group {...props} value={root} depth={0} name="Conditions" />
}

function Group({ value, onChange, depth, name, ...props }: GroupProps) {
  const { columns, noun = 'rows' } = props
  const members = membersOf(value)
  const junction = junctionOf(value)
  const [added, setAdded] = useState<number>()
  const adder = useRef<HTMLButtonElement>(null)
  const set = (next: Condition[]) => onChange(groupOf(junction, next))
  const put = (index: number, one: Condition) => set(members.map((old, i) => (i === index ? one : old)))
  const add = (one: Condition) => {
    setAdded(members.length)
    set([...members, one])
  }
  const [first] = columns
  const remove = (index: number) => {
    setAdded(undefined)
    set(members.filter((_, i) => i !== index))
    adder.current?.focus()
  }
  const repeat = (index: number, one: Condition) => {
    setAdded(undefined)
    set(members.toSpliced(index + 1, 0, structuredClone(one)))
  }
  return (
    <div role="group" aria-label={name} className={classes.group}>
      <div className={classes.head}>
        <span>{depth === 0 ? `Show ${noun} for which` : 'Group of which'}</span>
        <SegmentedControl
          size="xs"
          aria-label={`${name}: all or any`}
          data={[{ value: 'all', label: 'all' }, { value: 'any', label: 'any' }]}
          value={junction}
          onChange={(next) => onChange(groupOf(next, members))}
        />
        <span>{junction === 'all' ? 'of these hold' : 'of these holds'}</span>
      </div>
      {members.length > 0 && (
        <ul className={classes.members}>
          {members.map((one, index) => (
            <li key={index} className={classes.member}>
              <Member
                {...props}
                value={one}
                depth={depth}
                name={`${depth === 0 ? '' : `${name}, `}${isGroup(one) ? 'group' : 'condition'} ${index + 1}`}
                focus={added === index}
                onChange={(next) => put(index, next)}
                onRemove={() => remove(index)}
                onRepeat={() => repeat(index, one)}
              />
            </li>
          ))}
        </ul>
      )}
      <div className={classes.foot}>
        <Button
          ref={adder}
          size="compact-sm"
          variant="subtle"
          leftSection={<IconPlus size={14} aria-hidden />}
          disabled={first === undefined}
          onClick={() => first !== undefined && add({ property: freshProperty(first) })}
        >
          Add condition
        </Button>
        {depth < deepest && (
          <Button
            size="compact-sm"
            variant="subtle"
            leftSection={<IconFolderPlus size={14} aria-hidden />}
            disabled={first === undefined}
            onClick={() => first !== undefined && add(groupOf(junction === 'all' ? 'any' : 'all', [{ property: freshProperty(first) }]))}
          >
            Add group
          </Button>
        )}
        {depth === 0 && members.length > 0 && (
          <Button size="compact-sm" variant="subtle" leftSection={<IconX size={14} aria-hidden />} onClick={() => onChange(groupOf(junction, []))}>
            Remove all
          </Button>
        )}
      </div>
    </div>
  )
}

interface MemberProps extends GroupProps {
  focus: boolean
  onRemove: () => void
  onRepeat: () => void
}

function Member({ value, onChange, focus, onRemove, onRepeat, depth, name, ...props }: MemberProps) {
  if (value.property === undefined) {
    return (
      <div className={classes.nested}>
        <Group {...props} value={value} onChange={onChange} depth={depth + 1} name={name} />
        <ActionIcon variant="subtle" color="gray" aria-label={`Remove ${name}`} onClick={onRemove}>
          <IconTrash size={15} />
        </ActionIcon>
      </div>
    )
  }
  const { property } = value
  const problem = props.strict ? propertyProblem(property, props.columns) : undefined
  return (
    <div role="group" aria-label={`${name}: ${propertyWords(property, props.columns)}`}>
      <div className={classes.line}>
        <PropertyInput columns={props.columns} value={property} onChange={(next) => onChange({ property: next })} known={props.valuesOf?.(property.column) ?? []} focus={focus} />
        <div className={classes.buttons}>
          <ActionIcon variant="subtle" color="gray" aria-label={`Duplicate ${name}`} onClick={onRepeat}>
            <IconCopy size={15} />
          </ActionIcon>
          <ActionIcon variant="subtle" color="gray" aria-label={`Remove ${name}`} onClick={onRemove}>
            <IconTrash size={15} />
          </ActionIcon>
        </div>
      </div>
      {problem !== undefined && (
        <p className={classes.problem} role="alert">
          {problem}
        </p>
      )}
    </div>
  )
}
