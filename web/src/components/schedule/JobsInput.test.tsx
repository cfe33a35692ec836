import { fireEvent, screen } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { renderInApp } from '~/test/render'
import { JobsInput } from './JobsInput'

const orchestrator = (slug: string, type: string) => ({ kind: 'orchestrator', metadata: { slug, name: `The ${slug}` }, spec: { type }, status: {} })

function serve(jobs: Response) {
  vi.stubGlobal(
    'fetch',
    vi.fn((url: string) =>
      Promise.resolve(
        url.includes('/jobs') ? jobs : new Response(JSON.stringify({ items: [orchestrator('five', 'fivetran'), orchestrator('cloud', 'dbtCloud')], total: 2, nextCursor: null })),
      ),
    ),
  )
}

afterEach(() => vi.unstubAllGlobals())

// Req: ORC-01
it('offers the connections of its type', async () => {
  serve(new Response('{"items": []}'))
  const change = vi.fn()
  renderInApp(<JobsInput value={{ type: 'fivetran', after: { orchestrator: '', jobs: [] } }} onChange={change} />)
  fireEvent.click(await screen.findByRole('combobox', { name: /Connection to Fivetran/ }))
  fireEvent.click(await screen.findByText('The five'))
  expect(change).toHaveBeenCalledWith({ type: 'fivetran', after: { orchestrator: 'five', jobs: [] } })
  expect(screen.queryByText('The cloud')).toBeNull()
})

// Req: DBT-07, ORC-01
it('offers the jobs, and keeps one that is not listed any more', async () => {
  serve(new Response(JSON.stringify({ items: [{ id: 'a_b', label: 'shop postgres' }] })))
  const change = vi.fn()
  renderInApp(<JobsInput value={{ type: 'fivetran', after: { orchestrator: 'five', jobs: ['gone'] } }} onChange={change} />)
  fireEvent.click(await screen.findByRole('combobox', { name: /Jobs/ }))
  fireEvent.click(await screen.findByText('shop postgres (a_b)'))
  expect(change).toHaveBeenCalledWith({ type: 'fivetran', after: { orchestrator: 'five', jobs: ['gone', 'a_b'] } })
})

// Req: DBT-07
it('takes IDs where the jobs cannot be listed', async () => {
  serve(new Response(JSON.stringify({ error: { code: 'dbt.cloud', message: 'dbt Cloud does not accept the token' } }), { status: 422 }))
  renderInApp(<JobsInput value={{ type: 'dbtCloud', after: { orchestrator: 'cloud', jobs: ['70471'] } }} onChange={vi.fn()} />)
  expect(await screen.findByText('dbt Cloud does not accept the token')).toBeTruthy()
  expect(screen.getByText(/Their IDs/)).toBeTruthy()
  expect(screen.getByText('70471')).toBeTruthy()
})
