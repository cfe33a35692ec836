import { Checkbox, Fieldset, NumberInput, TagsInput, Textarea, TextInput } from '@mantine/core'
import type { Field, Json, Settings } from '~/services/types'
import { Advanced } from './Advanced'
import { common, level } from './common'
import { CredentialInput } from './CredentialInput'
import { HeadersInput } from './HeadersInput'
import { exists, isNarrow, isSecret, listOf, objectOf, withDefaults } from './fields'
import classes from './Fields.module.css'
import { FormInput } from './FormInput'
import type { LoadOptions } from './options'
import { SecretInput } from './SecretInput'
import { SelectInput } from './SelectInput'

export interface FieldInputProps {
  field: Field
  value: Json | undefined
  onChange: (value: Json) => void
  path: string
  errors: Record<string, string>
  loadOptions?: LoadOptions
}

/** The input for one field. */
export function FieldInput(props: FieldInputProps) {
  const { field } = props
  if (isSecret(field)) return <SecretInput {...props} />
  switch (field.type) {
    case 'text':
      if (field.fieldsFrom) return <FormInput {...props} form={field.fieldsFrom} />
      return <Textarea {...common(props)} classNames={{ input: classes.code }} autosize minRows={3} maxRows={14} />
    case 'number':
      return <NumberField {...props} />
    case 'boolean':
      return <BooleanField {...props} />
    case 'credential':
      return <CredentialInput {...props} />
    case 'select':
      return <SelectInput {...props} />
    case 'list':
      return <ListField {...props} />
    case 'headers':
      return <HeadersInput {...props} />
    case 'object':
      return <ObjectField {...props} />
    default:
      return <TextInput {...common(props)} />
  }
}

function NumberField(props: FieldInputProps) {
  const { value, onChange, field } = props
  return (
    <NumberInput
      {...common(props)}
      value={typeof value === 'number' ? value : ''}
      min={field.min}
      max={field.max}
      clampBehavior="none"
      inputWrapperOrder={level}
      hideControls
      onChange={(next) => onChange(next === '' ? null : Number(next))}
    />
  )
}

function BooleanField({ field, value, onChange, path, errors }: FieldInputProps) {
  return (
    <Checkbox
      name={path}
      label={field.label}
      description={field.help}
      error={errors[path]}
      checked={value === true}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  )
}

function ListField({ field, value, onChange, path, errors }: FieldInputProps) {
  return (
    <TagsInput
      name={path}
      label={field.label}
      description={field.help ?? 'Press Enter after each value.'}
      placeholder={field.example}
      withAsterisk={field.required}
      error={errors[path]}
      data={field.options ?? []}
      value={listOf(value)}
      onChange={onChange}
    />
  )
}

function ObjectField({ field, value, onChange, path, errors, loadOptions }: FieldInputProps) {
  return (
    <Fieldset legend={field.label} className={classes.group}>
      {field.help !== undefined && <p className="muted small">{field.help}</p>}
      <FieldList
        fields={field.fields ?? []}
        value={objectOf(value)}
        onChange={onChange}
        errors={errors}
        prefix={`${path}.`}
        loadOptions={loadOptions}
      />
    </Fieldset>
  )
}

export interface FieldListProps extends Pick<FieldInputProps, 'errors' | 'loadOptions'> {
  fields: Field[]
  value: Settings
  onChange: (value: Settings) => void
  /** What the paths of the fields begin with. */
  prefix: string
}

/** The inputs of the fields that exist; numbers and choices stand side by side, advanced ones are folded. */
export function FieldList({ fields, value, onChange, prefix, errors, loadOptions }: FieldListProps) {
  const full = withDefaults(fields, value)
  const shown = fields.filter((field) => exists(field, full))
  const advanced = shown.filter((field) => field.advanced)
  const inputs = (list: Field[]) =>
    list.map((field) => (
      <div key={field.name} className={isNarrow(field) ? undefined : classes.wide}>
        <FieldInput
          field={field}
          value={full[field.name]}
          errors={errors}
          path={prefix + field.name}
          loadOptions={loadOptions}
          onChange={(next: Json) => onChange({ ...value, [field.name]: next })}
        />
      </div>
    ))
  const wrong = ({ name }: Field) => Object.keys(errors).some((path) => path === prefix + name || path.startsWith(`${prefix}${name}.`))
  return (
    <div className={classes.container}>
      <div className={classes.form}>
        {inputs(shown.filter((field) => !field.advanced))}
        {advanced.length > 0 && <Advanced open={advanced.some(wrong)}>{inputs(advanced)}</Advanced>}
      </div>
    </div>
  )
}
