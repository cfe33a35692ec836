import { fireEvent, screen, waitFor } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { ConfirmProvider } from '~/components/confirm/ConfirmProvider'
import { renderInApp } from '~/test/render'
import { ProjectsTab } from './ProjectsTab'

const manifest = {
  version: 12,
  dbtVersion: '1.10.4',
  adapter: 'postgres',
  project: 'shop',
  models: 2,
  analyses: 1,
  bytes: 100,
  generatedAt: null,
  loadedAt: '2026-03-01T08:00:00.000Z',
  loadedBy: 'ada@example.com',
}

const project = (loaded: object | null, refresh: object | null = null) => ({
  kind: 'dbt-project',
  metadata: { slug: 'shop-dbt', name: 'Shop’s dbt', revision: 3 },
  spec: { source: 'shop', origin: 'manifest' },
  status: { source: { slug: 'shop', name: 'Shop' }, modelCount: 4, manifest: loaded, refresh },
})

const origins = [
  { slug: 'manifest', name: 'Loaded manifest', summary: 'You load it', fields: [] },
  {
    slug: 'git',
    name: 'Git repository',
    summary: 'A branch has it',
    fields: [
      { name: 'url', label: 'Repository', type: 'string', required: true },
      { name: 'token', label: 'Token', type: 'secret', secret: true, required: true },
    ],
  },
]

function serve(items: object[], refuse?: object) {
  const fetched = vi.fn((url: string, init?: RequestInit) => {
    if (url === '/api/catalog/dbt-origins') return Promise.resolve(new Response(JSON.stringify({ items: origins })))
    if (init?.method === 'GET') return Promise.resolve(new Response(JSON.stringify({ items, total: items.length, nextCursor: null })))
    if (refuse !== undefined) return Promise.resolve(new Response(JSON.stringify({ error: refuse }), { status: 422 }))
    return Promise.resolve(new Response(JSON.stringify(init?.method === 'PUT' ? manifest : project(null))))
  })
  vi.stubGlobal('fetch', fetched)
  return fetched
}

/** What was sent, which must be JSON. */
function sentBody(body: unknown): unknown {
  if (typeof body !== 'string') throw new Error('no JSON was sent')
  return JSON.parse(body)
}

const show = () =>
  renderInApp(
    <ConfirmProvider>
      <ProjectsTab source="shop" />
    </ConfirmProvider>,
  )

afterEach(() => vi.unstubAllGlobals())

// Req: DBT-01
it('makes a project of the source', async () => {
  const fetched = serve([])
  show()
  fireEvent.click(await screen.findByRole('button', { name: 'Add dbt project' }))
  fireEvent.change(await screen.findByLabelText(/^Name/), { target: { value: 'Shop’s dbt' } })
  fireEvent.change(screen.getByLabelText('Address of its files'), { target: { value: ' https://github.com/acme/shop/blob/main ' } })
  fireEvent.click(screen.getByRole('button', { name: 'Save' }))
  await waitFor(() => expect(fetched.mock.calls.some(([, init]) => init?.method === 'POST')).toBe(true))
  const sent = fetched.mock.calls.find(([, init]) => init?.method === 'POST')?.[1]?.body
  expect(sentBody(sent)).toEqual({
    metadata: { name: 'Shop’s dbt' },
    spec: { source: 'shop', origin: 'manifest', files: 'https://github.com/acme/shop/blob/main' },
  })
})

// Req: DBT-01
it('says how to load the first manifest, and loads a file as it is', async () => {
  const fetched = serve([project(null)])
  const { container } = show()
  expect(await screen.findByText('millrace dbt load shop-dbt target/manifest.json')).toBeTruthy()
  const file = new File(['{"nodes": {}}'], 'manifest.json', { type: 'application/json' })
  const input = container.querySelector('input[type=file]')
  if (input === null) throw new Error('there is no file input')
  fireEvent.change(input, { target: { files: [file] } })
  await waitFor(() => expect(fetched.mock.calls.some(([url, init]) => init?.method === 'PUT' && url === '/api/dbt-projects/shop-dbt/manifest' && init.body === file)).toBe(true))
})

// Req: DBT-03
it('shows what is loaded, and why another manifest is not', async () => {
  serve([project(manifest)], { code: 'dbt.bad_manifest', message: 'this is dbt’s file run_results.json', suggestion: 'Take manifest.json.' })
  const { container } = show()
  expect(await screen.findByText('2 models, 1 analysis')).toBeTruthy()
  expect(screen.getByText('dbt 1.10.4 for postgres')).toBeTruthy()
  expect(screen.getByText(/by ada@example.com/)).toBeTruthy()
  expect(screen.getByText('4 models')).toBeTruthy()
  const input = container.querySelector('input[type=file]')
  if (input === null) throw new Error('there is no file input')
  fireEvent.change(input, { target: { files: [new File(['{}'], 'run_results.json')] } })
  expect(await screen.findByText('this is dbt’s file run_results.json')).toBeTruthy()
  expect(screen.getByText('Take manifest.json.')).toBeTruthy()
})

// Req: DBT-01, GIT-06
it('asks for what the origin of the manifest needs', async () => {
  const fetched = serve([])
  show()
  fireEvent.click(await screen.findByRole('button', { name: 'Add dbt project' }))
  fireEvent.change(await screen.findByLabelText(/^Name/), { target: { value: 'Shop' } })
  fireEvent.click(screen.getByRole('combobox', { name: /Manifest/ }))
  fireEvent.click(await screen.findByText('Git repository'))
  fireEvent.change(await screen.findByLabelText(/Repository/), { target: { value: 'https://github.com/acme/shop.git' } })
  fireEvent.click(screen.getByRole('button', { name: 'Save' }))
  expect(fetched.mock.calls.some(([, init]) => init?.method === 'POST')).toBe(false)
  fireEvent.change(screen.getByLabelText(/Token/), { target: { value: 'secret' } })
  fireEvent.click(screen.getByRole('button', { name: 'Save' }))
  await waitFor(() => expect(fetched.mock.calls.some(([, init]) => init?.method === 'POST')).toBe(true))
  const sent = fetched.mock.calls.find(([, init]) => init?.method === 'POST')?.[1]?.body
  expect(sentBody(sent)).toMatchObject({ spec: { source: 'shop', origin: 'git', configuration: { url: 'https://github.com/acme/shop.git', token: 'secret' } } })
})

// Req: DBT-02, DBT-08
it('fetches a manifest when asked, and says why that failed', async () => {
  const failed = { state: 'failed', checkedAt: '2026-03-01T08:00:00.000Z', nextAt: null, error: { code: 'git.authentication', message: 'not accepted', suggestion: 'Check the token.' } }
  const fetched = serve([project(manifest, failed)])
  const { container } = show()
  expect(await screen.findByText('not accepted')).toBeTruthy()
  expect(screen.getByText('The last attempt failed')).toBeTruthy()
  expect(screen.getByText('2 models, 1 analysis')).toBeTruthy()
  expect(container.querySelector('input[type=file]')).toBeNull()
  fireEvent.click(screen.getByRole('button', { name: 'Full resync' }))
  await waitFor(() => expect(fetched.mock.calls.some(([url, init]) => url === '/api/dbt-projects/shop-dbt/refresh' && init?.body === '{"full":true}')).toBe(true))
})
