import { fireEvent, screen, waitFor } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { ConfirmProvider } from '~/components/confirm/ConfirmProvider'
import { renderInApp } from '~/test/render'
import { OrchestratorList } from './OrchestratorList'
import { standing } from './words'

const types = [
  { slug: 'dbtCloud', name: 'dbt Cloud', summary: 'After jobs', fields: [{ name: 'token', label: 'API token', type: 'secret', secret: true, required: true }] },
  { slug: 'fivetran', name: 'Fivetran', summary: 'After connections', fields: [{ name: 'apiKey', label: 'API key', type: 'string', required: true }] },
]

afterEach(() => vi.unstubAllGlobals())

// Req: DBT-06, ORC-01
it('makes a connection, and says why it is not accepted', async () => {
  const made = { kind: 'orchestrator', metadata: { slug: 'five', name: 'Loads', revision: 1 }, spec: { type: 'fivetran' }, status: { useCount: 0, checkedAt: null } }
  const refused = { error: { code: 'orchestrator.failed', message: 'Fivetran refuses: access denied', suggestion: 'Use the key of an Account Administrator.' } }
  const fetched = vi.fn((url: string, init?: RequestInit) => {
    if (url.includes('/catalog/')) return Promise.resolve(new Response(JSON.stringify({ items: types })))
    if (url.endsWith('/connect')) return Promise.resolve(new Response(JSON.stringify(refused), { status: 422 }))
    if (init?.method === 'GET') return Promise.resolve(new Response(JSON.stringify({ items: [], total: 0, nextCursor: null })))
    return Promise.resolve(new Response(JSON.stringify(made)))
  })
  vi.stubGlobal('fetch', fetched)
  renderInApp(
    <ConfirmProvider>
      <OrchestratorList search={{}} onSearch={() => undefined} />
    </ConfirmProvider>,
  )
  fireEvent.click(await screen.findByRole('button', { name: 'Add orchestrator' }))
  fireEvent.click(await screen.findByRole('combobox', { name: /Type/ }))
  fireEvent.click(await screen.findByText('Fivetran'))
  fireEvent.change(screen.getByLabelText(/^Name/), { target: { value: 'Loads' } })
  fireEvent.change(await screen.findByLabelText(/API key/), { target: { value: 'k' } })
  fireEvent.click(screen.getByRole('button', { name: 'Save and connect' }))
  expect(await screen.findByText('Fivetran refuses: access denied')).toBeTruthy()
  expect(screen.getByText('It is saved, and could not be connected')).toBeTruthy()
  fireEvent.click(screen.getByRole('button', { name: 'Save and connect' }))
  await waitFor(() => expect(fetched.mock.calls.some(([, init]) => init?.method === 'PUT')).toBe(true))
  expect(fetched.mock.calls.filter(([url, init]) => init?.method === 'POST' && url === '/api/orchestrators')).toHaveLength(1)
})

// Req: ORC-01, DBT-06
it('says how a connection stands', () => {
  const fivetran = { type: 'fivetran' as const, configuration: {} }
  const cloud = { type: 'dbtCloud' as const, configuration: {} }
  expect(standing({ spec: fivetran, status: { useCount: 0, checkedAt: null } })).toBe('Not connected yet')
  expect(standing({ spec: fivetran, status: { useCount: 0, checkedAt: null, webhook: 'hook-1' } })).toBe('Webhook hook-1')
  expect(standing({ spec: cloud, status: { useCount: 0, checkedAt: null } })).toContain('Not asked yet')
  expect(standing({ spec: cloud, status: { useCount: 1, checkedAt: '2026-03-01T08:00:00.000Z', failure: 'no token' } })).toContain('no token')
})
