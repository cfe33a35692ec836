import { expect, it } from 'vitest'
import { cleared, fromSaved, narrowed, savedText, shows } from './filters'

it('saves filters as an address has them, and reads them again', () => {
  const search = { status: ['failed', 'incomplete'], folder: 'Sales/EU & more', label: ['team:crm 2'], sort: '-lastRun' }
  expect(savedText(search)).toBe('status=failed&status=incomplete&folder=Sales%2FEU+%26+more&label=team%3Acrm+2&sort=-lastRun')
  expect(fromSaved(savedText(search))).toEqual(search)
})

it('knows the saved filter that the list shows, whatever the order of its parts', () => {
  expect(shows({ alerts: 'any', status: ['failed'] }, 'status=failed&alerts=any')).toBe(true)
  expect(shows({ status: ['failed'] }, 'status=failed&alerts=any')).toBe(false)
})

it('takes neither the folder nor the order for a filter', () => {
  expect(narrowed({ folder: 'Sales', sort: 'name' })).toBe(false)
  expect(narrowed({ notLabel: ['a:b'] })).toBe(true)
  expect(cleared({ folder: 'Sales', sort: 'name', search: 'x', status: ['failed'] })).toEqual({ folder: 'Sales', sort: 'name' })
})
