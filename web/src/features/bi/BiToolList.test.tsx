import { fireEvent, screen, waitFor } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { ConfirmProvider } from '~/components/confirm/ConfirmProvider'
import { renderInApp } from '~/test/render'
import { BiToolList } from './BiToolList'

const types = [{ slug: 'looker', name: 'Looker', summary: 'Looks', tunnels: false, fields: [{ name: 'baseUrl', label: 'Looker address', type: 'string', required: true }] }]

afterEach(() => vi.unstubAllGlobals())

// Req: BI-01
it('makes a connection, once what it needs is there', async () => {
  const fetched = vi.fn((url: string, init?: RequestInit) => {
    if (url.includes('/catalog/')) return Promise.resolve(new Response(JSON.stringify({ items: types })))
    if (init?.method === 'GET') return Promise.resolve(new Response(JSON.stringify({ items: [], total: 0, nextCursor: null })))
    return Promise.resolve(new Response('{}'))
  })
  vi.stubGlobal('fetch', fetched)
  renderInApp(
    <ConfirmProvider>
      <BiToolList search={{}} onSearch={() => undefined} />
    </ConfirmProvider>,
  )
  fireEvent.click(await screen.findByRole('button', { name: 'Add BI tool' }))
  fireEvent.change(await screen.findByLabelText(/^Name/), { target: { value: 'Looks' } })
  const address = await screen.findByLabelText(/Looker address/)
  fireEvent.click(screen.getByRole('button', { name: 'Save' }))
  expect(fetched.mock.calls.some(([, init]) => init?.method === 'POST')).toBe(false)
  fireEvent.change(address, { target: { value: 'https://acme.cloud.looker.com' } })
  fireEvent.click(screen.getByRole('button', { name: 'Save' }))
  await waitFor(() => expect(fetched.mock.calls.some(([url, init]) => init?.method === 'POST' && url === '/api/bi-tools')).toBe(true))
})
