import { fireEvent, screen, waitFor } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { renderInApp } from '~/test/render'
import { AllowAccess } from './AllowAccess'

const callbackUrl = 'https://millrace.example.com/api/oauth/callback'

function serve(access: object, begun: Response) {
  vi.stubGlobal(
    'fetch',
    vi.fn((_: string, init?: RequestInit) =>
      Promise.resolve(init?.method === 'POST' ? begun : new Response(JSON.stringify({ callbackUrl, ...access }))),
    ),
  )
}

afterEach(() => vi.unstubAllGlobals())

it('shows the callback URL and sends the person to the provider', async () => {
  serve({ allowedAt: null }, new Response(JSON.stringify({ url: 'https://auth.example.com/allow' })))
  const go = vi.fn()
  renderInApp(<AllowAccess kind="destinations" slug="hook" go={go} />)
  expect(await screen.findByText(callbackUrl)).toBeTruthy()
  expect(screen.getByText(/Nobody has allowed/)).toBeTruthy()
  fireEvent.click(screen.getByRole('button', { name: 'Allow access' }))
  await waitFor(() => expect(go).toHaveBeenCalledWith('https://auth.example.com/allow'))
})

it('says who allowed the access, and what keeps it from being allowed', async () => {
  const refused = new Response(JSON.stringify({ error: { code: 'input.invalid', message: 'an address is needed' } }), { status: 422 })
  serve({ allowedAt: '2026-01-01T00:00:00.000Z', allowedBy: 'ada@example.com' }, refused)
  const go = vi.fn()
  renderInApp(<AllowAccess kind="sources" slug="hook" go={go} />)
  expect(await screen.findByText(/ada@example.com allowed the access/)).toBeTruthy()
  expect(vi.mocked(fetch).mock.calls[0]?.[0]).toContain('/sources/hook/authorize')
  fireEvent.click(screen.getByRole('button', { name: 'Allow access again' }))
  expect(await screen.findByText('an address is needed')).toBeTruthy()
  expect(go).not.toHaveBeenCalled()
})
