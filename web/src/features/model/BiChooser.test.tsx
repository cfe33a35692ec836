import { fireEvent, screen } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import type { ModelBi } from '~/services/types'
import { renderInApp } from '~/test/render'
import { BiChooser } from './BiChooser'

const tool = (slug: string, type: string) => ({ kind: 'bi-tool', metadata: { slug, name: `The ${slug}` }, spec: { type }, status: { modelCount: 0 } })

afterEach(() => vi.unstubAllGlobals())

function choose(bi: ModelBi) {
  vi.stubGlobal(
    'fetch',
    vi.fn((url: string) => {
      const answers: [string, object, number][] = [
        ['/sql?item=gone', { error: { code: 'bi.failed', message: 'there is no Look gone' } }, 422],
        ['/sql?', { sql: 'SELECT 1' }, 200],
        ['/items?parent=w1', { items: [{ id: 'w1/e1', label: 'Page 1 / Buyers', leaf: true }] }, 200],
        ['/sales/items', { items: [{ id: 'w1', label: 'Sales', leaf: false }] }, 200],
        ['/looks/items', { items: [{ id: '42', label: 'Shared / Buyers', leaf: true }] }, 200],
        ['/api/bi-tools?', { items: [tool('looks', 'looker'), tool('sales', 'sigma')], total: 2, nextCursor: null }, 200],
      ]
      const [, body, status] = answers.find(([part]) => url.includes(part)) ?? ['', {}, 404]
      return Promise.resolve(new Response(JSON.stringify(body), { status }))
    }),
  )
  const change = vi.fn()
  renderInApp(<BiChooser bi={bi} onChange={change} />)
  return change
}

// Req: BI-01
it('chooses a Look', async () => {
  const change = choose({ tool: 'looks', item: '' })
  fireEvent.click(await screen.findByRole('combobox', { name: /Look/ }))
  fireEvent.click(await screen.findByText('Shared / Buyers'))
  expect(change).toHaveBeenCalledWith({ tool: 'looks', item: '42' })
})

// Req: BI-02
it('chooses a workbook, and then an element of it', async () => {
  const change = choose({ tool: 'sales', item: '' })
  fireEvent.click(await screen.findByRole('combobox', { name: /Workbook/ }))
  fireEvent.click(await screen.findByText('Sales'))
  fireEvent.click(await screen.findByRole('combobox', { name: /Element/ }))
  fireEvent.click(await screen.findByText('Page 1 / Buyers'))
  expect(change).toHaveBeenLastCalledWith({ tool: 'sales', item: 'w1/e1' })
})

// Req: BI-01
it('says why there is no SQL', async () => {
  choose({ tool: 'looks', item: 'gone' })
  expect(await screen.findByText('there is no Look gone')).toBeTruthy()
})
