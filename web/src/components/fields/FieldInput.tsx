import {
  Button,
  Checkbox,
  Fieldset,
  NumberInput,
  PasswordInput,
  TagsInput,
  Textarea,
  TextInput,
} from '@mantine/core'
import { useState } from 'react'
import type { Field, Json } from '~/services/types'
import { HeadersInput } from './HeadersInput'
import { exists, isSecret, isStoredSecret, listOf, objectOf, textOf, withDefaults } from './fields'
import classes from './Fields.module.css'
import type { LoadOptions } from './options'
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
      return <Textarea {...common(props)} autosize minRows={3} maxRows={14} />
    case 'number':
      return <NumberField {...props} />
    case 'boolean':
      return <BooleanField {...props} />
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

function common({ field, value, onChange, path, errors }: FieldInputProps) {
  return {
    name: path,
    label: field.label,
    description: field.help,
    placeholder: field.example,
    withAsterisk: field.required,
    error: errors[path],
    value: textOf(value),
    spellCheck: false,
    onChange: (event: React.ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => onChange(event.currentTarget.value),
  }
}

function SecretInput(props: FieldInputProps) {
  const { field, value, onChange } = props
  const [replacing, setReplacing] = useState(false)
  const stored = isStoredSecret(value)
  if (stored && !replacing) {
    return (
      <div className={classes.stored}>
        <TextInput {...common(props)} value="••••••••••••" readOnly description="Stored. It is never shown again." />
        <Button
          variant="default"
          onClick={() => {
            setReplacing(true)
            onChange('')
          }}
        >
          Replace
        </Button>
      </div>
    )
  }
  const shared = { ...common(props), value: stored ? '' : textOf(value), autoComplete: 'off' }
  if (field.type === 'text') return <Textarea {...shared} autosize minRows={3} maxRows={10} />
  return <PasswordInput {...shared} autoComplete="new-password" />
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
      hideControls
      maw={220}
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
  const members = field.fields ?? []
  const full = withDefaults(members, objectOf(value))
  return (
    <Fieldset legend={field.label} className={classes.group}>
      {field.help !== undefined && <p className="muted small">{field.help}</p>}
      <div className={classes.form}>
        {members
          .filter((member) => exists(member, full))
          .map((member) => (
            <FieldInput
              key={member.name}
              field={member}
              value={full[member.name]}
              path={`${path}.${member.name}`}
              errors={errors}
              loadOptions={loadOptions}
              onChange={(next) => onChange({ ...objectOf(value), [member.name]: next })}
            />
          ))}
      </div>
    </Fieldset>
  )
}
