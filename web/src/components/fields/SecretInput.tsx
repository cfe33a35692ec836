import { Button, PasswordInput, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import { common } from './common'
import { isStoredSecret, textOf } from './fields'
import type { FieldInputProps } from './FieldInput'
import classes from './Fields.module.css'

/**
 * A secret. One that the server keeps is never shown: it stays, is replaced by what is typed, or is removed,
 * which an empty text says to the server.
 */
export function SecretInput(props: FieldInputProps) {
  const { field, value, onChange } = props
  const [stored] = useState(isStoredSecret(value) ? value : undefined)
  const [replacing, setReplacing] = useState(false)
  if (stored === undefined) return <SecretText {...props} />
  const keep = () => {
    setReplacing(false)
    onChange(stored)
  }
  if (replacing) {
    return (
      <div className={classes.stored}>
        <SecretText
          {...props}
          value={isStoredSecret(value) ? '' : value}
          field={{ ...field, help: 'Leave it empty to keep the one that is stored.' }}
          onChange={(next) => onChange(next === '' ? stored : next)}
        />
        <Button variant="default" onClick={keep}>
          Keep
        </Button>
      </div>
    )
  }
  const removed = !isStoredSecret(value)
  return (
    <div className={classes.stored}>
      <TextInput
        {...common(props)}
        value={removed ? '' : '••••••••••••'}
        placeholder={removed ? 'Removed when you save' : undefined}
        description={removed ? 'No longer stored once you save.' : 'Stored. It is never shown again.'}
        readOnly
      />
      {removed ? (
        <Button variant="default" onClick={keep}>
          Keep
        </Button>
      ) : (
        <div className={classes.buttons}>
          <Button variant="default" onClick={() => setReplacing(true)}>
            Replace
          </Button>
          {field.required !== true && (
            <Button variant="default" aria-label={`Remove ${field.label}`} onClick={() => onChange('')}>
              Remove
            </Button>
          )}
        </div>
      )}
    </div>
  )
}

function SecretText(props: FieldInputProps) {
  const shared = { ...common(props), value: textOf(props.value) }
  if (props.field.type === 'text') return <Textarea {...shared} autoComplete="off" autosize minRows={3} maxRows={10} />
  return <PasswordInput {...shared} autoComplete="new-password" />
}
