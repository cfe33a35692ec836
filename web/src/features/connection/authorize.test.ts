import { expect, it } from 'vitest'
import { needsAuthorization, type Authorizable } from './authorize'

const info: Authorizable = {
  fields: [{ name: 'grant', label: 'Grant', type: 'select', default: 'code', showIf: { field: 'auth', in: ['oauth2'] } }],
  authorize: [
    { field: 'auth', in: ['oauth2'] },
    { field: 'grant', in: ['code'] },
  ],
}

it('needs a person where every condition holds, with defaults', () => {
  expect(needsAuthorization(info, { auth: 'oauth2' })).toBe(true)
  expect(needsAuthorization(info, { auth: 'oauth2', grant: 'password' })).toBe(false)
  expect(needsAuthorization(info, { auth: 'bearer', grant: 'code' })).toBe(false)
  expect(needsAuthorization({ fields: [] }, { auth: 'oauth2' })).toBe(false)
  expect(needsAuthorization(undefined, {})).toBe(false)
})
