import { describe, expect, it } from 'vitest'
import type { Condition } from '~/services/types'
import { complete, conditionWords, freshProperty, fromAddress, numbersIn, operandOf, operatorsOf, propertyProblem, sizeOf, valuesIn, withOperator, type ConditionColumn } from './conditions'

const columns: ConditionColumn[] = [
  { name: 'country', label: 'Country', type: 'string' },
  { name: 'spent', type: 'number' },
  { name: 'seen', type: 'timestamp' },
  { name: 'extra', type: 'object' },
]

const tree: Condition = {
  all: [
    { property: { column: 'country', operator: 'equals', values: ['DE', 'AT'] } },
    { any: [{ property: { column: 'spent', operator: 'greater', percentile: 90 } }, { property: { column: 'seen', operator: 'within', period: { n: 2, unit: 'month', calendar: true } } }] },
    { all: [] },
  ],
}

// Req: AUD-2, AUD-4
describe('conditions', () => {
  it('are said in a sentence', () => {
    expect(conditionWords(tree, columns)).toBe('Country equals DE or AT and (spent greater than the percentile 90 or seen within the previous 2 calendar months)')
    expect(conditionWords({ all: [] }, columns)).toBe('')
    expect(conditionWords({ property: { column: 'country', operator: 'contains', values: ['a', 'b', 'c', 'd', 'e'] } }, columns)).toBe('Country contains a, b, c or 2 more')
    expect(sizeOf(tree)).toBe(3)
  })

  it('begin with the first operator of their column', () => {
    expect(freshProperty({ name: 'seen', type: 'timestamp' })).toMatchObject({ operator: 'equals', from: { ago: { n: 7, unit: 'day' } } })
    expect(freshProperty({ name: 'extra', type: 'object' })).toMatchObject({ operator: 'exists' })
  })

  it('keep what another operator takes as well', () => {
    const several = { column: 'country', operator: 'equals', values: ['a', 'b'] } as const
    expect(withOperator({ ...several, values: ['a', 'b'] }, 'notContains', 'string').values).toEqual(['a', 'b'])
    expect(withOperator({ ...several, values: ['a', 'b'] }, 'startsWith', 'string').values).toEqual(['a'])
    expect(withOperator({ ...several, values: ['a', 'b'] }, 'exists', 'string').values).toBeUndefined()
    expect(withOperator({ column: 'spent', operator: 'greater', percentile: 5 }, 'less', 'number').percentile).toBe(5)
    expect(withOperator({ column: 'extra', path: 'a', type: 'number', operator: 'greater', percentile: 5 }, 'less', 'number').percentile).toBeUndefined()
    expect(withOperator({ column: 'spent', operator: 'greater', percentile: 5 }, 'equals', 'number')).toEqual({ column: 'spent', path: undefined, type: undefined, operator: 'equals', values: [] })
  })

  it('have an operand for each operator of each type', () => {
    for (const type of ['string', 'number', 'boolean', 'timestamp', 'date', 'object'] as const) {
      for (const operator of operatorsOf(type)) {
        const property = withOperator({ column: 'x', operator, values: [1] }, operator, type)
        const given = ['values', 'percentile', 'from', 'period'].filter((name) => property[name as 'values'] !== undefined)
        expect(given.length, `${type} ${operator}`).toBe(operandOf(operator, type) === 'none' ? 0 : 1)
      }
    }
  })

  it('name what is missing', () => {
    expect(propertyProblem({ column: '', operator: 'equals' }, columns)).toBe('Choose a column.')
    expect(propertyProblem({ column: 'gone', operator: 'equals', values: ['a'] }, columns)).toContain('no column gone')
    expect(propertyProblem({ column: 'country', operator: 'equals', values: [] }, columns)).toBe('Enter a value.')
    expect(propertyProblem({ column: 'spent', operator: 'less', percentile: 101 }, columns)).toContain('between 0 and 100')
    expect(propertyProblem({ column: 'seen', operator: 'between', from: { at: '2026-01-01' }, to: {} }, columns)).toBe('Choose a time.')
    expect(propertyProblem({ column: 'seen', operator: 'within', period: { n: 0, unit: 'day' } }, columns)).toBe('Enter how many.')
    expect(propertyProblem({ column: 'extra', type: 'string', operator: 'equals', values: ['a'] }, columns)).toContain('Say where')
    expect(complete(tree, columns)).toBe(true)
    expect(complete({ any: [tree, { property: { column: '', operator: 'exists' } }] }, columns)).toBe(false)
  })

  it('are read from an address, and nothing else is', () => {
    expect(fromAddress(tree)).toEqual(tree)
    for (const value of [undefined, '', [], null, { all: [] }, { all: [{ property: { column: 1, operator: 'equals' } }] }, { all: [{ property: { column: 'a', operator: 'drop' } }] }, { all: 3 }]) {
      expect(fromAddress(value), JSON.stringify(value)).toBeUndefined()
    }
  })
})

// Req: AUD-13
describe('values of a file', () => {
  it('are separated by commas, tabs and lines, and held together by quotation marks', () => {
    expect(valuesIn('a, b\n"c, d",e;\t"f ""g"""\r\na,,\n')).toEqual(['a', 'b', 'c, d', 'e', 'f "g"'])
    expect(valuesIn('')).toEqual([])
    expect(numbersIn(['1', ' 2.5 ', 'x', '1'])).toEqual([1, 2.5])
  })
})
