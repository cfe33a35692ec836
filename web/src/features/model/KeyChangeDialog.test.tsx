import { fireEvent, screen } from '@testing-library/react'
import { expect, it, vi } from 'vitest'
import type { Model } from '~/services/types'
import { renderInApp } from '~/test/render'
import { KeyChangeDialog } from './KeyChangeDialog'

const model = { metadata: { slug: 'people', name: 'People' }, spec: { primaryKey: 'id' }, status: { syncCount: 2 } } as unknown as Model

// Req: M-07, M-08
it('asks what becomes of the rows that were sent, and when', () => {
  const decide = vi.fn()
  renderInApp(<KeyChangeDialog model={model} next="email" onCancel={vi.fn()} onConfirm={decide} />)
  expect(screen.getByText(/The 2 syncs of this model find changes by id/)).toBeTruthy()
  fireEvent.click(screen.getByRole('button', { name: 'Change the key' }))
  expect(decide).toHaveBeenLastCalledWith({ resync: 'full', defer: false })
  fireEvent.click(screen.getByLabelText('Send only what changes from now on'))
  fireEvent.click(screen.getByLabelText(/next run/))
  fireEvent.click(screen.getByRole('button', { name: 'Change the key' }))
  expect(decide).toHaveBeenLastCalledWith({ resync: 'skip', defer: true })
})

it('asks nothing while the key stays', () => {
  renderInApp(<KeyChangeDialog model={model} next={undefined} onCancel={vi.fn()} onConfirm={vi.fn()} />)
  expect(screen.queryByRole('dialog')).toBeNull()
})
