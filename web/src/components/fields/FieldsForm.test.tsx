import { fireEvent, screen, waitFor } from '@testing-library/react'
import { useState } from 'react'
import { expect, it, vi } from 'vitest'
import type { Field, Settings } from '~/services/types'
import { renderInApp } from '~/test/render'
import { storedSecret } from './fields'
import { FieldsForm, type FieldsFormProps } from './FieldsForm'

const fields: Field[] = [
  { name: 'ssl', label: 'Use TLS', type: 'boolean', default: false },
  { name: 'certificate', label: 'Certificate', type: 'string', showIf: { field: 'ssl', in: ['true'] } },
  { name: 'password', label: 'Password', type: 'secret' },
  { name: 'table', label: 'Table', type: 'select', optionsFrom: 'tables' },
]

type Rest = Omit<FieldsFormProps, 'fields' | 'value' | 'onChange'>

function Form({ initial, seen, ...rest }: Rest & { initial: Settings; seen: (value: Settings) => void }) {
  const [value, setValue] = useState(initial)
  const change = (next: Settings) => {
    setValue(next)
    seen(next)
  }
  return <FieldsForm fields={fields} value={value} onChange={change} {...rest} />
}

it('shows a field only where the value that it depends on says so', () => {
  renderInApp(<Form initial={{}} seen={vi.fn()} />)
  expect(screen.queryByLabelText('Certificate')).toBeNull()
  fireEvent.click(screen.getByLabelText('Use TLS'))
  expect(screen.getByLabelText('Certificate')).toBeTruthy()
})

it('keeps a stored secret until it is replaced, and never shows it', () => {
  const seen = vi.fn()
  renderInApp(<Form initial={{ password: storedSecret }} seen={seen} />)
  expect(screen.getByDisplayValue('••••••••••••')).toBeTruthy()
  expect(seen).not.toHaveBeenCalled()
  fireEvent.click(screen.getByText('Replace'))
  expect(seen).toHaveBeenLastCalledWith({ password: '' })
})

it('lets a value be typed in where the list cannot be loaded', async () => {
  const seen = vi.fn()
  const loadOptions = () => ({
    queryKey: ['tables'],
    queryFn: () => Promise.reject(new Error('permission denied')),
    staleTime: 0,
    retry: false as const,
  })
  renderInApp(<Form initial={{}} seen={seen} loadOptions={loadOptions} />)
  await waitFor(() => expect(screen.getByText(/permission denied/)).toBeTruthy())
  fireEvent.change(screen.getByRole('combobox', { name: 'Table' }), { target: { value: 'public.contacts' } })
  expect(seen).toHaveBeenLastCalledWith({ table: 'public.contacts' })
})

it('puts an error at its field', () => {
  renderInApp(<Form initial={{ ssl: true }} seen={vi.fn()} errors={{ certificate: 'Certificate is required.' }} />)
  expect(screen.getByText('Certificate is required.')).toBeTruthy()
})
