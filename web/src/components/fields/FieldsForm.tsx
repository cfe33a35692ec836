import type { Field, Settings } from '~/services/types'
import { FieldList } from './FieldInput'
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
export const FieldsForm = ({ errors = {}, ...rest }: FieldsFormProps) => <FieldList {...rest} errors={errors} prefix="" />
