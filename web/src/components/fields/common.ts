import type { ChangeEvent } from 'react'
import { textOf } from './fields'
import type { FieldInputProps } from './FieldInput'

/** The parts of an input that stands beside another one: with the help below, the two stay level. */
export const level: InputWrapperOrder = ['label', 'input', 'description', 'error']

type InputWrapperOrder = ('label' | 'input' | 'description' | 'error')[]

/** What the inputs of one line or several have in common. */
export function common({ field, value, onChange, path, errors }: FieldInputProps) {
  return {
    name: path,
    label: field.label,
    description: field.help,
    placeholder: field.example,
    withAsterisk: field.required,
    error: errors[path],
    value: textOf(value),
    spellCheck: false,
    onChange: (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => onChange(event.currentTarget.value),
  }
}
