import { fireEvent, screen, waitFor } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import type { ModelDbt } from '~/services/types'
import { renderInApp } from '~/test/render'
import { DbtChooser } from './DbtChooser'

const project = (slug: string) => ({ kind: 'dbt-project', metadata: { slug, name: `The ${slug}` }, spec: { source: 'shop', origin: 'manifest' }, status: { refresh: null } })

const people = {
  id: 'model.shop.people',
  type: 'model',
  name: 'people',
  package: 'shop',
  path: 'models/people.sql',
  link: 'https://github.com/acme/shop/blob/main/models/people.sql',
  description: 'People who bought',
  relation: 'analytics.people',
  materialized: 'incremental',
  language: 'sql',
  read: 'table',
}

const detail = {
  ...people,
  sql: '',
  columns: [],
  ways: [
    { read: 'table', error: null, notes: [] },
    { read: 'sql', error: { code: 'dbt.unusable_model', message: 'the manifest has no compiled SQL', suggestion: 'Run dbt compile.' }, notes: [] },
  ],
}

/** Serves a source's projects, and one model in each. */
function serve(slugs: string[]) {
  const fetched = vi.fn((url: string) => {
    const answers: [string, unknown][] = [
      ['/nodes/model.shop.people', detail],
      ['/nodes?', { items: [people], total: 1, nextCursor: null }],
      ['/api/dbt-projects?', { items: slugs.map(project), total: slugs.length, nextCursor: null }],
    ]
    const answer = answers.find(([part]) => url.includes(part))
    return Promise.resolve(new Response(JSON.stringify(answer?.[1])))
  })
  vi.stubGlobal('fetch', fetched)
  return fetched
}

afterEach(() => vi.unstubAllGlobals())

const choose = (dbt: ModelDbt) => {
  const change = vi.fn()
  renderInApp(<DbtChooser source="shop" dbt={dbt} onChange={change} />)
  return change
}

// Req: DBT-03
it('chooses a model of the only project, and searches on the server', async () => {
  const fetched = serve(['main'])
  const change = choose({ project: '', node: '' })
  fireEvent.click(await screen.findByRole('button', { name: /people/ }))
  expect(change).toHaveBeenCalledWith({ project: 'main', node: 'model.shop.people' })
  expect(screen.queryByText('dbt project')).toBeNull()
  fireEvent.change(screen.getByLabelText('Search the dbt project'), { target: { value: 'orders' } })
  await waitFor(() => expect(fetched.mock.calls.some(([url]) => url.includes('/api/dbt-projects/main/nodes?search=orders'))).toBe(true))
})

// Req: DBT-03
it('asks for the project where there are several', async () => {
  serve(['main', 'finance'])
  choose({ project: '', node: '' })
  expect(await screen.findByPlaceholderText('Choose a project')).toBeTruthy()
  expect(screen.queryByText('Models and analyses')).toBeNull()
})

// Req: DBT-03, DBT-04
it('shows what the project says of a model, and how it can be read', async () => {
  serve(['main'])
  const change = choose({ project: 'main', node: 'model.shop.people' })
  const link = await screen.findByRole<HTMLAnchorElement>('link', { name: 'models/people.sql' })
  expect(link.href).toBe(people.link)
  expect(screen.getByText('model.shop.people')).toBeTruthy()
  expect(screen.getByText('analytics.people')).toBeTruthy()
  expect(screen.getByRole<HTMLInputElement>('radio', { name: 'Its table' }).checked).toBe(true)
  fireEvent.click(screen.getByRole('radio', { name: 'Its compiled SQL' }))
  expect(change).toHaveBeenCalledWith({ project: 'main', node: 'model.shop.people', read: 'sql' })
})

// Req: DBT-05
it('says why a model cannot be read in a way', async () => {
  serve(['main'])
  choose({ project: 'main', node: 'model.shop.people', read: 'sql' })
  expect(await screen.findByText('the manifest has no compiled SQL')).toBeTruthy()
  expect(screen.getByText('Run dbt compile.')).toBeTruthy()
})
