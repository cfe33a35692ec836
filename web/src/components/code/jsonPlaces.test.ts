import { describe, expect, it } from 'vitest'
import { lineAt, placeOf, syntaxProblem } from './jsonPlaces'

const text = `{
  "model": "m",
  "mappings": [
    { "to": "a", "from": "x" },
    {
      "to": "b\\"",
      "from": "y"
    }
  ],
  "settings": {}
}`

describe('placeOf', () => {
  it.each([
    ['model', 2, '"m"'],
    ['mappings[0].from', 4, '"x"'],
    ['mappings[1].to', 6, '"b\\""'],
    ['mappings[1]', 5, '{'],
    ['mappings[1].template', 5, '{'],
    ['mappings[7].to', 3, '['],
    ['settings.table', 10, '{}'],
    ['schedule.cron', 1, '{'],
    ['', 1, '{'],
  ])('finds %s in line %d', (path, line, marked) => {
    const { from, to } = placeOf(text, path)
    expect(lineAt(text, from)).toBe(line)
    expect(text.slice(from, to)).toBe(marked)
  })
})

// Req: SY-10
describe('syntaxProblem', () => {
  it('says nothing about JSON', () => expect(syntaxProblem(text)).toBeUndefined())
  it.each([
    ['{\n  "a": 1,\n  "b" 2\n}', 3],
    ['{\n  "a": 1\n  "b": 2\n}', 3],
    ['{\n  "a": [1, 2\n}', 3],
    ['{\n  "a": nope\n}', 2],
    ['{"model":', 1],
    ['{\n"a": 1', 2],
    ['', 1],
  ])('finds the line of %j', (broken, line) => {
    const problem = syntaxProblem(broken)
    expect(problem?.message).toMatch(/\S/)
    expect(problem?.message).not.toMatch(/position \d/)
    expect(lineAt(broken, problem?.from ?? -1)).toBe(line)
    expect(problem?.to).toBeLessThanOrEqual(broken.length)
  })
})
