import { describe, expect, it } from 'vitest'
import type { Field } from '~/services/types'
import { cleaned, exists, headersOf, isStoredSecret, problems, storedSecret, withDefaults, withoutSecrets } from './fields'

const fields: Field[] = [
  { name: 'host', label: 'Host', type: 'string', required: true },
  { name: 'port', label: 'Port', type: 'number', default: 5432, min: 1, max: 65535 },
  { name: 'auth', label: 'Sign in with', type: 'select', default: 'password', options: [] },
  { name: 'password', label: 'Password', type: 'secret', required: true, showIf: { field: 'auth', in: ['password'] } },
  { name: 'token', label: 'Token', type: 'secret', required: true, showIf: { field: 'auth', in: ['token'] } },
  { name: 'tags', label: 'Tags', type: 'list' },
  {
    name: 'proxy',
    label: 'Proxy',
    type: 'object',
    fields: [{ name: 'url', label: 'Proxy address', type: 'string', required: true }],
  },
]

describe('exists', () => {
  it('follows the value that a field depends on', () => {
    const token = fields[4]
    if (!token) throw new Error('the fixture lost its field')
    expect(exists(token, { auth: 'token' })).toBe(true)
    expect(exists(token, { auth: 'password' })).toBe(false)
    expect(exists(token, {})).toBe(false)
  })
})

it('fills in defaults only where nothing is set', () => {
  expect(withDefaults(fields, { port: 1 })).toEqual({ port: 1, auth: 'password' })
})

describe('cleaned', () => {
  it('drops fields that do not exist and values that are empty', () => {
    expect(cleaned(fields, { host: 'db', password: 'p', token: 'left over', tags: [] })).toEqual({
      host: 'db',
      port: 5432,
      auth: 'password',
      password: 'p',
    })
  })
  it('sends an empty secret, which removes the one that is stored, and leaves out one that was not touched', () => {
    expect(cleaned(fields, { host: 'db', password: '' })).toMatchObject({ password: '' })
    expect(cleaned(fields, { host: 'db' })).not.toHaveProperty('password')
  })
  it('keeps false and zero', () => {
    const flags: Field[] = [
      { name: 'ssl', label: 'SSL', type: 'boolean', default: true },
      { name: 'retries', label: 'Retries', type: 'number', default: 3 },
    ]
    expect(cleaned(flags, { ssl: false, retries: 0 })).toEqual({ ssl: false, retries: 0 })
  })
})

describe('problems', () => {
  it('names every field that is wrong, at its path', () => {
    expect(problems(fields, { port: 70000, proxy: {} })).toEqual({
      host: 'Host is required.',
      port: 'Port must be at most 65535.',
      password: 'Password is required.',
      'proxy.url': 'Proxy address is required.',
    })
  })
  it('accepts a secret that the server keeps', () => {
    expect(problems(fields, { host: 'db', password: storedSecret, proxy: { url: 'x' } })).toEqual({})
  })
})

it('recognises stored secrets', () => {
  expect(isStoredSecret({ $secret: 'set' })).toBe(true)
  expect(isStoredSecret('set')).toBe(false)
  expect(isStoredSecret(null)).toBe(false)
})

it('never keeps secrets in a draft', () => {
  expect(withoutSecrets(fields, { host: 'db', password: 'p', token: 't' })).toEqual({ host: 'db' })
})

it('reads headers as far as they are headers', () => {
  expect(headersOf([{ name: 'A', value: '1' }, { name: 'B', value: { $secret: 'set' }, secret: true }])).toEqual([
    { name: 'A', value: '1', secret: false },
    { name: 'B', value: { $secret: 'set' }, secret: true },
  ])
  expect(headersOf('nonsense')).toEqual([])
})
