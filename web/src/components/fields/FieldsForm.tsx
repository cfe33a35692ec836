import { Collapse, UnstyledButton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconChevronRight } from '@tabler/icons-react'
import type { Field, Json, Settings } from '~/services/types'
import { exists, withDefaults } from './fields'
import { FieldInput } from './FieldInput'
import classes from './Fields.module.css'
import type { LoadOptions } from './options'

export interface FieldsFormProps {
  fields: Field[]
  value: Settings
  onChange: (value: Settings) => void
  /** Messages by field path. */
  errors?: Record<string, string>
  /** How pick-lists that the connector fills are loaded. */
  loadOptions?: LoadOptions
}

/** A form drawn from a connector's fields: conditional parts, lists that are loaded, advanced ones folded. */
export function FieldsForm({ fields, value, onChange, errors = {}, loadOptions }: FieldsFormProps) {
  const full = withDefaults(fields, value)
  const shown = fields.filter((f) => exists(f, full))
  const advanced = shown.filter((f) => f.advanced)
  const inputs = (list: Field[]) =>
    list.map((field) => (
      <FieldInput
        key={field.name}
        field={field}
        value={full[field.name]}
        errors={errors}
        path={field.name}
        loadOptions={loadOptions}
        onChange={(next: Json) => onChange({ ...value, [field.name]: next })}
      />
    ))
  return (
    <div className={classes.form}>
      {inputs(shown.filter((f) => !f.advanced))}
      {advanced.length > 0 && (
        <Advanced open={advanced.some((f) => errors[f.name] !== undefined)}>{inputs(advanced)}</Advanced>
      )}
    </div>
  )
}

function Advanced({ open, children }: { open: boolean; children: React.ReactNode }) {
  const [opened, { toggle }] = useDisclosure(false)
  const visible = opened || open
  return (
    <div>
      <UnstyledButton className={classes.advanced} onClick={toggle} aria-expanded={visible}>
        <IconChevronRight size={14} aria-hidden className={visible ? classes.turned : undefined} />
        Advanced settings
      </UnstyledButton>
      <Collapse expanded={visible}>
        <div className={classes.form} style={{ paddingTop: 12 }}>
          {children}
        </div>
      </Collapse>
    </div>
  )
}
