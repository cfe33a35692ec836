import { expect, it } from 'vitest'
import { engineOf, grantsFor } from './engine'

it('puts the names of the settings into the grants', () => {
  const info = { grants: 'GRANT CREATE ON SCHEMA "{planner}", "{audit}" TO "{user}"; -- {planner}' }
  expect(grantsFor(info, {})).toBe('GRANT CREATE ON SCHEMA "millrace_planner", "millrace_audit" TO "millrace"; -- millrace_planner')
  expect(grantsFor(info, { plannerSchema: 'p', auditSchema: 'a"b', user: '$& {audit}' })).toBe(
    'GRANT CREATE ON SCHEMA "p", "a""b" TO "$& {audit}"; -- p',
  )
  expect(grantsFor({}, {})).toBe('')
})

it('takes a source without an engine for one that uses the Basic engine', () => {
  expect([undefined, '', 'basic', 'lightning'].map(engineOf)).toEqual(['basic', 'basic', 'basic', 'lightning'])
})
