import { ActionIcon, Button, Checkbox, Fieldset, PasswordInput, TextInput } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import type { Json } from '~/services/types'
import { headersOf, isStoredSecret, textOf, type Header } from './fields'
import type { FieldInputProps } from './FieldInput'
import classes from './Fields.module.css'

const toJson = (headers: Header[]): Json => headers.map((h) => ({ name: h.name, value: h.value, secret: h.secret }))

/** Names and values, some of them secret. */
export function HeadersInput({ field, value, onChange, path, errors }: FieldInputProps) {
  const headers = headersOf(value)
  const change = (index: number, patch: Partial<Header>) =>
    onChange(toJson(headers.map((h, i) => (i === index ? { ...h, ...patch } : h))))
  return (
    <Fieldset legend={field.label} className={classes.group}>
      {field.help !== undefined && <p className="muted small">{field.help}</p>}
      {errors[path] !== undefined && <p className={classes.error}>{errors[path]}</p>}
      <div className={classes.headers}>
        {headers.map((header, index) => (
          <HeaderRow
            key={index}
            header={header}
            onChange={(patch) => change(index, patch)}
            onRemove={() => onChange(toJson(headers.filter((_, i) => i !== index)))}
          />
        ))}
        <Button
          variant="default"
          size="xs"
          leftSection={<IconPlus size={14} />}
          onClick={() => onChange(toJson([...headers, { name: '', value: '', secret: false }]))}
        >
          Add {memberWord(field.label)}
        </Button>
      </div>
    </Fieldset>
  )
}

/** One of what a label names: "Token request: headers" holds a header. */
function memberWord(label: string): string {
  const words = label.split(': ').at(-1) ?? label
  const initialism = /^[A-Z]{2}/.test(words)
  return (initialism ? words : words.charAt(0).toLowerCase() + words.slice(1)).replace(/s$/, '')
}

interface RowProps {
  header: Header
  onChange: (patch: Partial<Header>) => void
  onRemove: () => void
}

function HeaderRow({ header, onChange, onRemove }: RowProps) {
  const stored = isStoredSecret(header.value)
  const shared = {
    'aria-label': 'Value',
    placeholder: stored ? 'Stored; type to replace it' : 'Value',
    value: stored ? '' : textOf(header.value),
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => onChange({ value: event.currentTarget.value }),
  }
  return (
    <div className={classes.header}>
      <TextInput
        aria-label="Name"
        placeholder="Name"
        value={header.name}
        onChange={(event) => onChange({ name: event.currentTarget.value })}
      />
      {header.secret ? <PasswordInput {...shared} autoComplete="new-password" /> : <TextInput {...shared} />}
      <Checkbox
        label="Secret"
        checked={header.secret}
        onChange={(event) => onChange({ secret: event.currentTarget.checked, value: stored ? '' : header.value })}
      />
      <ActionIcon variant="subtle" color="gray" aria-label={`Remove ${header.name || 'this row'}`} onClick={onRemove}>
        <IconTrash size={15} />
      </ActionIcon>
    </div>
  )
}
