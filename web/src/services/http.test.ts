import { afterEach, expect, it, vi } from 'vitest'
import { ApiError, parseExact, post, setCsrfToken } from './http'

const answer = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status })

afterEach(() => vi.unstubAllGlobals())

it('keeps every digit of a number that JavaScript would round', () => {
  expect(parseExact('[9223372036854775807, 0.1, 1.50, 100, -2e3, 12345678901234567.25, 1e400]')).toEqual([
    '9223372036854775807',
    0.1,
    1.5,
    100,
    -2000,
    '12345678901234567.25',
    '1e400',
  ])
})

it('leaves everything that is no number as it is', () => {
  expect(parseExact('{"a":"1","b":null,"c":[true],"d\\\\\\"9":"9223372036854775807 \\\\"}')).toEqual({ a: '1', b: null, c: [true], 'd\\"9': '9223372036854775807 \\' })
})

it('fetches the token anew once when another tab has signed in', async () => {
  setCsrfToken('old')
  const fetched = vi
    .fn()
    .mockResolvedValueOnce(answer(403, { error: { code: 'access.csrf', message: 'no' } }))
    .mockResolvedValueOnce(answer(200, { csrfToken: 'new' }))
    .mockResolvedValueOnce(answer(200, { done: true }))
  vi.stubGlobal('fetch', fetched)
  expect(await post('/api/keys', {})).toEqual({ done: true })
  expect(fetched.mock.calls[2]?.[1]).toMatchObject({ headers: { 'X-CSRF-Token': 'new' } })
})

// Req: ORG-07
it('changes nothing for a page whose workspace was left in another tab', async () => {
  setCsrfToken('old', 1)
  const fetched = vi
    .fn()
    .mockResolvedValueOnce(answer(403, { error: { code: 'access.csrf', message: 'no' } }))
    .mockResolvedValueOnce(answer(200, { csrfToken: 'new', workspace: { id: 2, name: 'Sandbox' } }))
  vi.stubGlobal('fetch', fetched)
  await expect(post('/api/keys', {})).rejects.toThrow(/Sandbox/)
  expect(fetched).toHaveBeenCalledTimes(2)
})

it('gives up when the token is the right one', async () => {
  setCsrfToken('same')
  const fetched = vi
    .fn()
    .mockResolvedValueOnce(answer(403, { error: { code: 'access.csrf', message: 'no' } }))
    .mockResolvedValueOnce(answer(200, { csrfToken: 'same' }))
  vi.stubGlobal('fetch', fetched)
  await expect(post('/api/keys', {})).rejects.toBeInstanceOf(ApiError)
})
