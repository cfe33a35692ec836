import { fireEvent, screen, waitFor } from '@testing-library/react'
import { useState } from 'react'
import { expect, it, vi } from 'vitest'
import type { Field, Settings } from '~/services/types'
import { renderInApp } from '~/test/render'
import { FieldsForm } from './FieldsForm'
import { FormLoader, type LoadForm } from './form'

const fields: Field[] = [{ name: 'options', label: 'Options', type: 'text', fieldsFrom: 'options' }]

const loads = (queryFn: () => Promise<Field[]>): LoadForm => (form, setting) => ({ queryKey: [form, setting, queryFn], queryFn, staleTime: 0, retry: false })

function Form({ initial, seen, load, errors }: { initial: string; seen: (value: Settings) => void; load: LoadForm; errors?: Record<string, string> }) {
  const [value, setValue] = useState<Settings>({ options: initial })
  const change = (next: Settings) => {
    setValue(next)
    seen(next)
  }
  return (
    <FormLoader value={load}>
      <FieldsForm fields={fields} value={value} onChange={change} errors={errors} />
    </FormLoader>
  )
}

it('draws the form that the connector describes, and keeps what is in the object besides', async () => {
  const seen = vi.fn()
  const described: Field[] = [
    { name: 'channel', label: 'Channel', type: 'string' },
    { name: 'archive', label: 'Archive', type: 'boolean' },
  ]
  renderInApp(<Form initial={'{"secret": 1}'} seen={seen} load={loads(() => Promise.resolve(described))} />)
  fireEvent.change(await screen.findByLabelText('Channel'), { target: { value: '#general' } })
  expect(seen).toHaveBeenLastCalledWith({ options: '{"secret":1,"channel":"#general"}' })
  fireEvent.click(screen.getByLabelText('Archive'))
  expect(seen).toHaveBeenLastCalledWith({ options: '{"secret":1,"channel":"#general","archive":true}' })
})

it('lets the object be typed in where nothing is described, or the form cannot be loaded', async () => {
  const seen = vi.fn()
  renderInApp(<Form initial="" seen={seen} load={loads(() => Promise.resolve([]))} />)
  fireEvent.change(await screen.findByLabelText('Options'), { target: { value: '{"a":1}' } })
  expect(seen).toHaveBeenLastCalledWith({ options: '{"a":1}' })
  renderInApp(<Form initial="" seen={seen} load={loads(() => Promise.reject(new Error('the connector sleeps')))} />)
  await waitFor(() => expect(screen.getByText(/the connector sleeps/)).toBeTruthy())
})

it('shows what is wrong at the member that it is about, or with its name where the object is typed in', async () => {
  const errors = { 'options.channel': 'there is no such channel', options: 'the options are too many' }
  const described: Field[] = [{ name: 'channel', label: 'Channel', type: 'string' }]
  const drawn = renderInApp(<Form initial="" seen={vi.fn()} load={loads(() => Promise.resolve(described))} errors={errors} />)
  expect((await screen.findByLabelText('Channel')).getAttribute('aria-describedby')).toContain('error')
  screen.getByText('there is no such channel')
  screen.getByText('the options are too many')
  drawn.unmount()
  renderInApp(<Form initial="" seen={vi.fn()} load={loads(() => Promise.resolve([]))} errors={errors} />)
  await screen.findByText('channel: there is no such channel; the options are too many')
})
