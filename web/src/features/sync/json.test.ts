import { expect, it } from 'vitest'
import { parseSpec } from './json'

it('reads a configuration', () => {
  const text = '{"model":"m","destination":"d","type":"t","mode":"upsert","schedule":{"type":"manual"},"disabled":false}'
  expect(parseSpec(text).spec?.model).toBe('m')
})

it.each(['', '{', '[]', 'null', '"x"', '{"model":"m","destination":"d","type":"t"}'])('refuses %j with a reason', (text) => {
  const { spec, problem } = parseSpec(text)
  expect(spec).toBeUndefined()
  expect(problem).toBeTruthy()
})
