import type { ModelColumn, TargetField } from '~/services/types'
import { FieldIcon } from './FieldIcon'
import classes from './Grid.module.css'
import { TypeIcon } from './TypeIcon'

/** A model's column in a pick-list: its type and its description. */
export function ColumnOption({ name, column }: { name: string; column: ModelColumn | undefined }) {
  const description = column?.override ?? column?.description
  return (
    <span className={classes.option}>
      <TypeIcon type={column?.cast ?? column?.type ?? 'string'} />
      <span>
        <span>{name}</span>
        {description !== undefined && <small className={classes.optionNote}>{description}</small>}
      </span>
    </span>
  )
}

/** A destination's field in a pick-list: its type, whether it is required, and what the destination says of it. */
export function FieldOption({ name, field }: { name: string; field: TargetField | undefined }) {
  const notes = [field?.native, field?.help].filter(Boolean).join('; ')
  return (
    <span className={classes.option}>
      <FieldIcon type={field?.type ?? 'unknown'} />
      <span>
        <span>
          {name}
          {field?.required === true && <RequiredMark />}
        </span>
        {notes !== '' && <small className={classes.optionNote}>{notes}</small>}
      </span>
    </span>
  )
}

/** Marks a field that must be filled. */
export const RequiredMark = () => (
  <span role="img" aria-label="required" title="The destination requires this field" className={classes.required}>
    *
  </span>
)
