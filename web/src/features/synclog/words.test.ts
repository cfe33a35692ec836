import { expect, it } from 'vitest'
import { cleanTables, sameTables, waitingWords } from './words'

// Req: SY-54
it('saves the tables that are chosen, and nothing where none is', () => {
  expect(cleanTables({ snapshot: true, changelog: false })).toEqual({ snapshot: true })
  expect(cleanTables({ changelog: false })).toBeUndefined()
  expect(sameTables({ runs: false }, {})).toBe(true)
  expect(sameTables({ runs: true }, {})).toBe(false)
})

it('tells what waits', () => {
  expect(waitingWords({ waiting: 0 })).toBeUndefined()
  expect(waitingWords({ waiting: 1 })).toBe('1 run waits to be written.')
  expect(waitingWords({ waiting: 2 })).toBe('2 runs wait to be written.')
})
