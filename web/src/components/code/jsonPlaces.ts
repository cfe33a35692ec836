import { parser } from '@lezer/json'
import type { TextProblem } from './CodeEditor'

type SyntaxNode = ReturnType<typeof parser.parse>['topNode']

/** The number of the line at a position, from 1. */
export const lineAt = (text: string, position: number): number => text.slice(0, position).split('\n').length

const positionIn = /position (\d+)/
const lineColumnIn = /line (\d+) column (\d+)/

/** Where a browser's message says that a text stops being JSON. */
function saidPosition(message: string, text: string): number | undefined {
  const position = positionIn.exec(message)?.[1]
  if (position !== undefined) return Number(position)
  const [, line, column] = lineColumnIn.exec(message) ?? []
  if (line === undefined || column === undefined) return undefined
  const before = text.split('\n').slice(0, Number(line) - 1)
  return before.reduce((sum, l) => sum + l.length + 1, 0) + Number(column) - 1
}

function firstError(text: string): number {
  let at = text.length
  parser.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError && node.from < at) at = node.from
    },
  })
  return at
}

/** What keeps a text from being JSON, and where; nothing where it is JSON. */
export function syntaxProblem(text: string): TextProblem | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    const at = Math.min(saidPosition(said, text) ?? firstError(text), text.length)
    // The place is told by the line; the browser's own words for it would be told twice.
    const message = said.replace(/^JSON\.parse: /, '').replace(/ (in JSON )?at position \d+( \(line \d+ column \d+\))?| at line \d+ column \d+ of the JSON data/, '')
    const from = text.slice(0, at).trimEnd() === text.trimEnd() ? Math.max(text.trimEnd().length - 1, 0) : at
    return { from, to: Math.min(from + 1, text.length), message }
  }
}

/** The steps of a path such as mappings[0].from. */
const stepsOf = (path: string): string[] => path.split(/[.[\]]+/).filter((step) => step !== '')

function children(node: SyntaxNode): SyntaxNode[] {
  const all: SyntaxNode[] = []
  for (let child = node.firstChild; child !== null; child = child.nextSibling) all.push(child)
  return all
}

const isValue = (node: SyntaxNode): boolean => !['PropertyName', '{', '}', '[', ']', ':', ',', '⚠'].includes(node.name)

function step(node: SyntaxNode, name: string, text: string): SyntaxNode | undefined {
  if (node.name === 'Array') return children(node).filter(isValue)[Number(name)]
  const property = children(node).find((child) => {
    const key = child.name === 'Property' ? child.getChild('PropertyName') : null
    return key !== null && (JSON.parse(text.slice(key.from, key.to)) as string) === name
  })
  return property === undefined ? undefined : children(property).findLast(isValue)
}

/** Where a text has what a path names, or the nearest thing around it. The text is JSON. */
export function placeOf(text: string, path: string): { from: number; to: number } {
  let node = children(parser.parse(text).topNode).find(isValue)
  if (node === undefined) return { from: 0, to: 0 }
  for (const name of stepsOf(path)) {
    const next = step(node, name, text)
    if (next === undefined) break
    node = next
  }
  // What is large is marked at its beginning.
  const end = text.indexOf('\n', node.from)
  return { from: node.from, to: end < 0 ? node.to : Math.min(node.to, end) }
}
