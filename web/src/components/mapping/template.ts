import type { TemplateFunction } from '~/services/types'

/** A change of a text: insert replaces what stands from … to, and the cursor goes to cursor. */
export interface Change {
  from: number
  to: number
  insert: string
  cursor: number
}

/** A column as a template names it. */
export const columnCode = (name: string): string => `row['${name.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}']`

interface Span {
  /** Where the code between the delimiters begins and ends. */
  from: number
  to: number
  tag: boolean
}

const delimited = /(\{\{-?|\{%-?)([\s\S]*?)(-?\}\}|-?%\}|$)/g

/** The output or tag that a place of a template is in. */
function spanAt(text: string, at: number): Span | undefined {
  for (const match of text.matchAll(delimited)) {
    const [, open = '', body = ''] = match
    const from = match.index + open.length
    if (at >= from && at <= from + body.length) return { from, to: from + body.length, tag: open.startsWith('{%') }
  }
  return undefined
}

/** The output that ends right before a place, but for blanks. */
function outputBefore(text: string, at: number): Span | undefined {
  const before = text.slice(0, at).trimEnd()
  if (!before.endsWith('}}')) return undefined
  return spanAt(text, before.endsWith('-}}') ? before.length - 3 : before.length - 2)
}

const insertion = (from: number, to: number, insert: string): Change => ({ from, to, insert, cursor: from + insert.length })

/** Inserts a variable: by itself within an output or tag, as an output elsewhere. */
export function insertVariable(text: string, from: number, to: number, code: string): Change {
  if (spanAt(text, from) !== undefined) return insertion(from, to, code)
  return insertion(from, to, `{{ ${code} }}`)
}

/** Inserts a function. A filter goes to the end of the output that the cursor is in or behind; variable is what it works on elsewhere. */
export function insertFunction(text: string, from: number, to: number, f: TemplateFunction, variable: string): Change {
  if (f.kind === 'tag') return insertTag(from, to, f)
  const filter = f.args === undefined || f.args === '' ? f.name : `${f.name}: ${f.args}`
  const span = spanAt(text, to) ?? (from === to ? outputBefore(text, from) : undefined)
  if (span === undefined) return insertion(from, to, `{{ ${variable} | ${filter} }}`)
  const body = text.slice(span.from, span.to)
  if (body.trim() === '') return { ...insertion(span.from, span.to, ` ${variable} | ${filter} `), cursor: span.from + variable.length + filter.length + 4 }
  const place = span.from + body.slice(0, nextPipe(body, Math.min(to, span.to) - span.from)).trimEnd().length
  return insertion(place, place, ` | ${filter}`)
}

/** Where the next filter begins behind a place of an output's code, or its end. */
function nextPipe(body: string, at: number): number {
  let quote = ''
  for (let i = 0; i < body.length; i++) {
    const c = body.charAt(i)
    if (quote !== '') quote = c === quote ? '' : quote
    else if (c === "'" || c === '"') quote = c
    else if (c === '|' && i >= at) return i
  }
  return body.length
}

const withoutEnd = new Set(['assign', 'increment', 'decrement', 'echo', 'cycle', 'break', 'continue', '#'])

function insertTag(from: number, to: number, f: TemplateFunction): Change {
  const args = f.args === undefined || f.args === '' ? '' : ` ${f.args}`
  const open = f.name === 'liquid' ? '{% liquid\n' : `{% ${f.name}${args} %}`
  const close = f.name === 'liquid' ? '\n%}' : withoutEnd.has(f.name) ? '' : `{% end${f.name} %}`
  const middle = f.name === 'case' ? '{% when 1 %}' : ''
  return { from, to, insert: open + middle + close, cursor: from + open.length + middle.length }
}

/** Whether a function fits what a person looks for. */
export function matchesFunction(f: TemplateFunction, search: string): boolean {
  const wanted = search.trim().toLowerCase()
  return wanted === '' || `${f.name} ${f.group} ${f.summary}`.toLowerCase().includes(wanted)
}
