import { ActionIcon, Autocomplete, Button, Select } from '@mantine/core'
import { IconArrowRight, IconPlus, IconTrash } from '@tabler/icons-react'
import type { MatchPair, ModelColumn, TargetField } from '~/services/types'
import classes from './Mapping.module.css'

interface Props {
  columns: ModelColumn[]
  fields: TargetField[]
  value: MatchPair[]
  onChange: (value: MatchPair[]) => void
  error?: string
  /** There is one pair and no more. */
  single?: boolean
}

/** Which column finds the destination's record by which of its fields (SY-21). */
export function MatchEditor({ columns, fields, value, onChange, error, single }: Props) {
  const pairs = value.length === 0 ? [{ from: '', to: '' }] : value
  const set = (index: number, patch: Partial<MatchPair>) =>
    onChange(pairs.map((pair, i) => (i === index ? { ...pair, ...patch } : pair)))
  return (
    <div className={classes.editor}>
      {pairs.map((pair, index) => (
        <div key={index} className={classes.line} role="group" aria-label={`Match ${index + 1}`}>
          <Select
            aria-label="Match column"
            placeholder="Choose a column with unique values"
            searchable
            data={columns.map((c) => c.name)}
            value={pair.from === '' ? null : pair.from}
            onChange={(next) => set(index, { from: next ?? '' })}
          />
          <IconArrowRight size={16} aria-hidden className={classes.arrow} />
          <MatchField fields={fields} value={pair.to} onChange={(to) => set(index, { to })} />
          {pairs.length > 1 && (
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Remove match ${index + 1}`}
              onClick={() => onChange(pairs.filter((_, i) => i !== index))}
            >
              <IconTrash size={15} />
            </ActionIcon>
          )}
        </div>
      ))}
      {error !== undefined && <p className={classes.problem}>{error}</p>}
      {single !== true && (
        <Button
          variant="subtle"
          size="xs"
          className={classes.addMatch}
          leftSection={<IconPlus size={14} />}
          onClick={() => onChange([...pairs, { from: '', to: '' }])}
        >
          Match by another field as well
        </Button>
      )}
    </div>
  )
}

function MatchField({ fields, value, onChange }: { fields: TargetField[]; value: string; onChange: (to: string) => void }) {
  const allowed = fields.filter((f) => f.match)
  if (allowed.length === 0) {
    return <Autocomplete aria-label="Match field" placeholder="Name of the field" data={[]} value={value} onChange={onChange} />
  }
  return (
    <Select
      aria-label="Match field"
      placeholder="Choose a field"
      searchable
      data={allowed.map((f) => ({ value: f.name, label: f.label || f.name }))}
      value={value === '' ? null : value}
      onChange={(next) => onChange(next ?? '')}
    />
  )
}
