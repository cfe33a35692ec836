import { expect, it } from 'vitest'
import { labelsFrom, labelTexts } from './labels'

it('reads labels and writes them back', () => {
  const texts = ['team:growth', 'tier: gold:1']
  const { labels, problem } = labelsFrom(texts)
  expect(problem).toBeUndefined()
  expect(labels).toEqual({ team: 'growth', tier: 'gold:1' })
  expect(labelTexts(labels)).toEqual(['team:growth', 'tier:gold:1'])
  expect(labelTexts(null)).toEqual([])
})

it.each(['growth', ':growth', 'team:', ' : '])('refuses %j', (text) => {
  expect(labelsFrom([text]).problem).toContain('key:value')
})
