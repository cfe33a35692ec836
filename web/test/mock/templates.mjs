// Templates and inline mappings of the stand-in server: what they may use, and what they make of a row.
import { Liquid } from 'liquidjs'
import { sample } from './data.mjs'

const rows = 100
const engine = new Liquid({ strictFilters: true, timezoneOffset: 0 })
engine.registerFilter('includes', (value, text) => {
  if (!String(value).includes(text)) throw new Error(`includes: the value does not include "${text}"`)
  return value
})

const filter = (group, name, args, summary, example) => ({ name, kind: 'filter', group, args, summary, example })
const tag = (group, name, args, summary, example) => ({ ...filter(group, name, args, summary, example), kind: 'tag' })

export const functions = {
  groups: ['Rows and types', 'Text', 'Numbers', 'Conditions', 'Variables'],
  variables: ['model_id', 'model_name', 'sync_id', 'sync_run_id', 'current_timestamp', 'operation'],
  items: [
    filter('Rows and types', 'cast', "'number'", 'Makes a string, a number or a boolean. What cannot be cast refuses the row; null stays null.', "{{ '12.50' | cast: 'number' }}"),
    filter('Rows and types', 'includes', "'text'", 'Passes a value that contains the text, and refuses the row of any other.', "{{ 'Arya Stark' | includes: 'Stark' }}"),
    filter('Text', 'append', "'text'", 'Adds a text at the end.', "{{ 'Ada' | append: '!' }}"),
    filter('Text', 'upcase', '', 'Makes all letters capitals.', "{{ 'ada' | upcase }}"),
    filter('Numbers', 'round', '2', 'Rounds to a number of digits behind the point, half away from zero.', '{{ 3.14159 | round: 2 }}'),
    tag('Conditions', 'if', 'condition', 'Prints its block where the condition holds; elsif and else follow.', '{% if 5 > 3 %}more{% endif %}'),
    tag('Variables', 'assign', 'name = value', 'Names a value for the rest of the template. The value keeps its type.', '{% assign n = 2 | plus: 1 %}{{ n }}'),
  ],
}

const property = (name, shape, type, properties = []) => ({ name, shape, type, properties })

export const properties = [
  property('orders', 'objects', undefined, [
    property('sku', 'scalar', 'string'),
    property('quantity', 'scalar', 'number'),
    property('size', 'object', undefined, [property('eu', 'scalar', 'number')]),
  ]),
]

const context = { model_id: '5', model_name: 'VIP customers', sync_id: '77', sync_run_id: '0', current_timestamp: '2026-11-27T12:00:00.000Z', operation: 'added' }

function mapped(mapping, row, item) {
  switch (mapping.kind || 'column') {
    case 'column':
      return (item ?? row)[mapping.from]
    case 'static':
      return mapping.value
    case 'variable':
      return context[mapping.variable.replaceAll('-', '_')]
    case 'template':
      return rendered(mapping.template, row)
    case 'object':
      return members(mapping, row, item)
    default:
      return ((item ?? row)[mapping.from] ?? []).map((one) => members(mapping, row, one))
  }
}

const members = (mapping, row, item) =>
  Object.fromEntries((mapping.fields ?? []).map((f) => [f.to, mapped(f, row, item)]).filter(([, value]) => value !== undefined))

function rendered(template, row) {
  const only = /^\s*\{\{([^{}]*)\}\}\s*$/.exec(template)
  const scope = { ...row, row, context }
  const text = engine.parseAndRenderSync(template, scope) // its errors say where they are
  return only ? engine.evalValueSync(only[1].trim(), scope) : text
}

const typeOf = (value) => (value === null || value === undefined ? 'null' : Array.isArray(value) ? 'array' : typeof value)

/** The answer to POST /api/models/…/try. */
export function tryMapping({ mapping, row = 0, arrayExpansionSourceColumn: array }) {
  const answer = { row, rows, value: null, type: 'null' }
  try {
    const element = array ? { [`_ht_${array}_element`]: `device-${row + 1}` } : {}
    const value = mapped(mapping, { ...sample(row), ...element }) ?? null
    return { ...answer, value, type: typeOf(value) }
  } catch (error) {
    const refused = /^(includes): .*/.exec(error.originalError?.message ?? error.message)
    const { message } = refused ? { message: refused[0] } : error
    const code = refused ? 'mapping.row_rejected' : 'template.error'
    const [, line, column] = /line:(\d+), col:(\d+)/.exec(error.message) ?? []
    const place = line === undefined || refused ? {} : { line: Number(line), column: Number(column) }
    return { ...answer, error: { code, message: place.line ? `line ${line}, column ${column}: ${message.split(', line:')[0]}` : message, suggestion: 'Correct the template at the named line and column.', ...place } }
  }
}
