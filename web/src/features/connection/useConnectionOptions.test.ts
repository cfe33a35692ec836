import { expect, it } from 'vitest'
import type { Field } from '~/services/types'
import { without } from './useConnectionOptions'

it('loads a list anew for what it depends on, and not for what is chosen of it', () => {
  const fields: Field[] = [
    { name: 'token', label: 'Token', type: 'secret' },
    { name: 'region', label: 'Region', type: 'select', optionsFrom: 'regions' },
    { name: 'account', label: 'Account', type: 'select', optionsFrom: 'accounts' },
  ]
  const settings = { token: 't', region: 'eu', account: '17' }
  expect(without(fields, 'accounts', settings)).toEqual({ token: 't', region: 'eu' })
  expect(without(fields, 'regions', settings)).toEqual({ token: 't', account: '17' })
})
