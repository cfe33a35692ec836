import { describe, expect, it } from 'vitest'
import type { TemplateFunction } from '~/services/types'
import { columnCode, insertFunction, insertVariable, matchesFunction, type Change } from './template'

const filter = (name: string, args?: string): TemplateFunction => ({ name, kind: 'filter', group: 'Text', args, summary: 'Does it.', example: '' })
const tag = (name: string, args?: string): TemplateFunction => ({ ...filter(name, args), kind: 'tag' })

/** The text after the change, with | where the cursor is. */
const applied = (text: string, change: Change): string => {
  const after = text.slice(0, change.from) + change.insert + text.slice(change.to)
  return `${after.slice(0, change.cursor)}^${after.slice(change.cursor)}`
}

// Req: SY-32
describe('insertVariable', () => {
  const row = columnCode('first name')
  it.each([
    ['', 0, "{{ row['first name'] }}^"],
    ['Dear ', 5, "Dear {{ row['first name'] }}^"],
    ['{{  }}', 3, "{{ row['first name']^ }}"],
    ['{% if  %}{% endif %}', 6, "{% if row['first name']^ %}{% endif %}"],
    ['{{ a }} ', 8, "{{ a }} {{ row['first name'] }}^"],
  ])('into %j at %i', (text, at, want) => {
    expect(applied(text, insertVariable(text, at, at, row))).toBe(want)
  })
  it('replaces what is selected', () => {
    expect(applied('{{ old }}', insertVariable('{{ old }}', 3, 6, 'x'))).toBe('{{ x^ }}')
  })
  it('writes quotes in a name as Liquid does', () => {
    expect(columnCode("it's")).toBe("row['it\\'s']")
  })
})

// Req: SY-32
describe('insertFunction', () => {
  it.each([
    ['', 0, "{{ row['a'] | upcase }}^"],
    ['{{ row.a }}', 11, '{{ row.a | upcase^ }}'],
    ['{{- row.a -}} ', 14, '{{- row.a | upcase^ -}} '],
    ['{{ row.a }}', 8, '{{ row.a | upcase^ }}'],
    ['{{ row.a | strip }}', 8, '{{ row.a | upcase^ | strip }}'],
    ['{{ row.a | strip }}', 5, '{{ row.a | upcase^ | strip }}'],
    ["{{ 'a|b' }}", 5, "{{ 'a|b' | upcase^ }}"],
    ['{{  }}', 3, "{{ row['a'] | upcase^ }}"],
    ['x {{ row.a }} y', 15, "x {{ row.a }} y{{ row['a'] | upcase }}^"],
  ])('a filter into %j at %i', (text, at, want) => {
    expect(applied(text, insertFunction(text, at, at, filter('upcase'), "row['a']"))).toBe(want)
  })
  it('writes arguments', () => {
    expect(applied('{{ a }}', insertFunction('{{ a }}', 7, 7, filter('round', '2'), 'x'))).toBe('{{ a | round: 2^ }}')
  })
  it.each([
    [tag('if', 'condition'), '{% if condition %}^{% endif %}'],
    [tag('case', 'value'), '{% case value %}{% when 1 %}^{% endcase %}'],
    [tag('assign', 'name = value'), '{% assign name = value %}^'],
    [tag('liquid'), '{% liquid\n^\n%}'],
  ])('a tag', (f, want) => {
    expect(applied('', insertFunction('', 0, 0, f, 'x'))).toBe(want)
  })
})

it('finds functions by name, group and summary', () => {
  expect(matchesFunction(filter('upcase'), 'UP')).toBe(true)
  expect(matchesFunction(filter('upcase'), 'does')).toBe(true)
  expect(matchesFunction(filter('upcase'), 'date')).toBe(false)
})
