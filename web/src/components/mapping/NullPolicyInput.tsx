import { Checkbox, Tooltip } from '@mantine/core'
import type { Mapping } from '~/services/types'
import { useMappingContext } from './context'
import classes from './Mapping.module.css'
import { nullPolicy, withNullPolicy } from './mappings'

interface Props {
  mapping: Mapping
  onChange: (mapping: Mapping) => void
}

/** What becomes of a null: it is sent, left out, or empties the field (SY-25). */
export function NullPolicyInput({ mapping, onChange }: Props) {
  const { clear } = useMappingContext()
  const policy = nullPolicy(mapping)
  return (
    <div className={classes.nulls}>
      <Tooltip label="A null value is left out of the request instead of being sent as null." multiline w={260}>
        <Checkbox
          size="xs"
          label="Don’t sync null values"
          checked={policy === 'omit'}
          onChange={(event) => onChange(withNullPolicy(mapping, event.currentTarget.checked ? 'omit' : 'send'))}
        />
      </Tooltip>
      {(clear !== undefined && clear !== null || policy === 'clear') && (
        <Tooltip label={`What empties a field (${JSON.stringify(clear ?? null)}) is sent instead of null.`} multiline w={260}>
          <Checkbox
            size="xs"
            label="Clear the field instead of sending null"
            checked={policy === 'clear'}
            onChange={(event) => onChange(withNullPolicy(mapping, event.currentTarget.checked ? 'clear' : 'send'))}
          />
        </Tooltip>
      )}
    </div>
  )
}
