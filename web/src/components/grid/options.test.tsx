import { screen } from '@testing-library/react'
import { expect, it } from 'vitest'
import { renderInApp } from '~/test/render'
import type { FieldType, TargetField } from '~/services/types'
import { ColumnOption, FieldOption } from './options'
import { fieldTypeWords } from './types'

const field = (more: Partial<TargetField>): TargetField => ({ name: 'f', type: 'string', native: 'text', required: false, match: false, ...more })

// Req: M-24
it('has a sign of its own for each type of a field', () => {
  const types = Object.keys(fieldTypeWords) as FieldType[]
  const { container } = renderInApp(
    <>
      {types.map((type) => (
        <FieldOption key={type} name={type} field={field({ type })} />
      ))}
    </>,
  )
  const signs = [...container.querySelectorAll('svg')].map((svg) => svg.innerHTML)
  expect(new Set(signs).size).toBe(types.length)
  for (const word of ['Boolean', 'Number', 'String', 'Timestamp', 'Date/time', 'Associated field', 'Null value', 'Unknown type']) {
    expect(screen.getByRole('img', { name: word })).toBeTruthy()
  }
})

it('marks what is required, and tells what the destination says', () => {
  renderInApp(<FieldOption name="key" field={field({ required: true, help: 'Primary key' })} />)
  expect(screen.getByRole('img', { name: 'required' })).toBeTruthy()
  expect(screen.getByText('text; Primary key')).toBeTruthy()
})

// Req: M-14
it('describes a column in the words of the model before those of the source', () => {
  const column = { name: 'email', type: 'string' as const, description: 'Confirmed', override: 'Work address' }
  const { rerender } = renderInApp(<ColumnOption name="email" column={column} />)
  expect(screen.getByText('Work address')).toBeTruthy()
  rerender(<ColumnOption name="email" column={{ ...column, override: undefined }} />)
  expect(screen.getByText('Confirmed')).toBeTruthy()
})
