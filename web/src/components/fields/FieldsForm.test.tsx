import { cleanup, fireEvent, screen, waitFor } from '@testing-library/react'
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

it('keeps a stored secret until another one is typed, and never shows it', () => {
  const seen = vi.fn()
  renderInApp(<Form initial={{ password: storedSecret }} seen={seen} />)
  expect(screen.getByDisplayValue('••••••••••••')).toBeTruthy()
  fireEvent.click(screen.getByText('Replace'))
  expect(seen).not.toHaveBeenCalled()
  fireEvent.change(screen.getByLabelText('Password'), { target: { value: 'next' } })
  expect(seen).toHaveBeenLastCalledWith({ password: 'next' })
  fireEvent.change(screen.getByLabelText('Password'), { target: { value: '' } })
  expect(seen).toHaveBeenLastCalledWith({ password: storedSecret })
})

it('removes a stored secret where none is required, until that is taken back', () => {
  const seen = vi.fn()
  renderInApp(<Form initial={{ password: storedSecret }} seen={seen} />)
  fireEvent.click(screen.getByLabelText('Remove Password'))
  expect(seen).toHaveBeenLastCalledWith({ password: '' })
  expect(screen.getByPlaceholderText('Removed when you save')).toBeTruthy()
  fireEvent.click(screen.getByText('Keep'))
  expect(seen).toHaveBeenLastCalledWith({ password: storedSecret })
})

it('does not offer to remove a secret that is required', () => {
  renderInApp(<FieldsForm fields={[{ name: 'token', label: 'Token', type: 'secret', required: true }]} value={{ token: storedSecret }} onChange={vi.fn()} />)
  expect(screen.getByText('Replace')).toBeTruthy()
  expect(screen.queryByText('Remove')).toBeNull()
})

it('folds the advanced members of an object, and opens them where one is wrong', () => {
  const members: Field[] = [
    { name: 'enabled', label: 'Send requests', type: 'boolean' },
    { name: 'retries', label: 'Retries', type: 'number', advanced: true },
  ]
  const fold = () => screen.getByText('Advanced settings').getAttribute('aria-expanded')
  const form = (errors: Record<string, string>) => (
    <FieldsForm fields={[{ name: 'added', label: 'Rows added', type: 'object', fields: members }]} value={{}} onChange={vi.fn()} errors={errors} />
  )
  renderInApp(form({}))
  expect(fold()).toBe('false')
  cleanup()
  renderInApp(form({ 'added.retries': 'Retries must be a number.' }))
  expect(fold()).toBe('true')
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

it('offers entries by their names where a value may be typed in, and stores their values', async () => {
  const seen = vi.fn()
  const accounts: Field[] = [{ name: 'account', label: 'Account', type: 'select', optionsFrom: 'accounts', creatable: true }]
  const loadOptions = () => ({
    queryKey: ['accounts'],
    queryFn: () => Promise.resolve([{ value: '17', label: 'Shoes' }, { value: '18', label: 'Hats (18)' }]),
    staleTime: 0,
    retry: false as const,
  })
  function Accounts() {
    const [value, setValue] = useState<Settings>({})
    const change = (next: Settings) => {
      setValue(next)
      seen(next)
    }
    return <FieldsForm fields={accounts} value={value} onChange={change} loadOptions={loadOptions} />
  }
  renderInApp(<Accounts />)
  const input = screen.getByRole('combobox', { name: 'Account' })
  await waitFor(() => expect(screen.getByLabelText('Load Account again')).toBeTruthy())
  fireEvent.click(input)
  fireEvent.change(input, { target: { value: 'sho' } })
  await waitFor(() => expect(screen.getByText('Shoes')).toBeTruthy())
  expect(screen.queryByText('Hats (18)')).toBeNull()
  fireEvent.click(screen.getByText('Shoes'))
  expect(seen).toHaveBeenLastCalledWith({ account: '17' })
})

it('puts an error at its field', () => {
  renderInApp(<Form initial={{ ssl: true }} seen={vi.fn()} errors={{ certificate: 'Certificate is required.' }} />)
  expect(screen.getByText('Certificate is required.')).toBeTruthy()
})
