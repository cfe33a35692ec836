import { QueryClient } from '@tanstack/react-query'
import { afterEach, expect, it, vi } from 'vitest'
import { allQuery } from './documents'

afterEach(() => vi.unstubAllGlobals())

const pages: Record<string, { items: string[]; total: number; nextCursor: string | null }> = {
  '': { items: ['a', 'b'], total: 3, nextCursor: 'b' },
  b: { items: ['c'], total: 3, nextCursor: null },
}

const asked = (): string[] => {
  const all: string[] = []
  vi.stubGlobal('fetch', (address: string) => {
    const { searchParams } = new URL(address, 'http://localhost')
    all.push(address)
    return Promise.resolve(new Response(JSON.stringify(pages[searchParams.get('cursor') ?? ''])))
  })
  return all
}

it('reads every page for a pick-list', async () => {
  const requests = asked()
  const { items } = await new QueryClient().fetchQuery(allQuery('syncs'))
  expect(items).toEqual(['a', 'b', 'c'])
  expect(requests).toHaveLength(2)
})

it('reads one page where there is a limit', async () => {
  const requests = asked()
  const { items, total } = await new QueryClient().fetchQuery(allQuery('syncs', { limit: 2 }))
  expect(items).toEqual(['a', 'b'])
  expect(total).toBe(3)
  expect(requests).toHaveLength(1)
})
