import { fireEvent, screen, waitFor } from '@testing-library/react'
import { useState } from 'react'
import { expect, it, vi } from 'vitest'
import type { Condition } from '~/services/types'
import { saidFailed } from '~/components/feedback/toast'
import { renderInApp } from '~/test/render'
import { ConditionBuilder } from './ConditionBuilder'
import type { ConditionColumn } from './conditions'

vi.mock('~/components/feedback/toast')

const columns: ConditionColumn[] = [{ name: 'city', type: 'string' }, { name: 'spent', type: 'number' }]

function Builder({ initial, seen }: { initial: Condition; seen: (value: Condition) => void }) {
  const [value, setValue] = useState(initial)
  const change = (next: Condition) => {
    setValue(next)
    seen(next)
  }
  return <ConditionBuilder columns={columns} value={value} onChange={change} strict />
}

const on = (column: string, values: unknown[]): Condition => ({ property: { column, operator: 'equals', values } })

// Req: AUD-13
it('takes values from files that are dropped, and from what is pasted', async () => {
  const seen = vi.fn()
  renderInApp(<Builder initial={{ all: [on('city', ['Rome']), on('spent', [])] }} seen={seen} />)
  const [city, spent] = [screen.getByRole('combobox', { name: 'Values' }), screen.getByRole('combobox', { name: 'Numbers' })]
  expect(screen.queryAllByText('Enter a value.')).toHaveLength(1)
  fireEvent.drop(city, { dataTransfer: { files: [{ text: () => Promise.resolve('Paris, "Paris, Texas"\nRome') }], getData: () => '' } })
  await waitFor(() => expect(seen).toHaveBeenLastCalledWith({ all: [on('city', ['Rome', 'Paris', 'Paris, Texas']), on('spent', [])] }))
  fireEvent.paste(spent, { clipboardData: { getData: () => '1\n2.5\nnone' } })
  expect(seen).toHaveBeenLastCalledWith({ all: [on('city', ['Rome', 'Paris', 'Paris, Texas']), on('spent', [1, 2.5])] })
  expect(screen.queryByText('Enter a value.')).toBeNull()
  expect(saidFailed).toHaveBeenCalledWith('Not every value was taken', new Error('1 value is no number, the first of them “none”.'))
})

// Req: AUD-5
it('leaves a percentile that was taken out empty, and says so', () => {
  renderInApp(<Builder initial={{ all: [{ property: { column: 'spent', operator: 'greater', percentile: 90 } }] }} seen={vi.fn()} />)
  const field = screen.getByLabelText('Percentile')
  fireEvent.change(field, { target: { value: '' } })
  expect(field).toHaveProperty('value', '')
  expect(screen.queryAllByText('A percentile lies between 0 and 100.')).toHaveLength(1)
})

// Req: AUD-2
it('puts groups into groups, and takes them out again', () => {
  const seen = vi.fn()
  renderInApp(<Builder initial={{ all: [on('city', ['Rome'])] }} seen={seen} />)
  fireEvent.click(screen.getByRole('button', { name: 'Add group' }))
  expect(seen).toHaveBeenLastCalledWith({ all: [on('city', ['Rome']), { any: [on('city', [])] }] })
  fireEvent.click(screen.getByRole('button', { name: 'Duplicate condition 1' }))
  expect(seen).toHaveBeenLastCalledWith({ all: [on('city', ['Rome']), on('city', ['Rome']), { any: [on('city', [])] }] })
  fireEvent.click(screen.getByRole('button', { name: 'Remove condition 1' }))
  fireEvent.click(screen.getByRole('button', { name: 'Remove group 2' }))
  expect(seen).toHaveBeenLastCalledWith({ all: [on('city', ['Rome'])] })
  expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Add condition' }))
})
