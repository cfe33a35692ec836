import { expect, it } from 'vitest'
import { matchWords, percentWords, sizeWords } from './words'

// Req: SY-94, MB-14
it('tells sizes and match rates, and what is not known', () => {
  expect(sizeWords(null)).toBe('Unknown')
  expect(sizeWords(0)).toBe('0')
  expect(percentWords(null)).toBe('–')
  expect(percentWords(4.25)).toBe('4.3 %')
  expect(percentWords(70.4)).toBe('70 %')
  expect(percentWords(112)).toBe('112 %')
  expect(matchWords(null)).toBe('Not known yet')
  expect(matchWords({ matched: null, percent: null })).toBe('Unknown')
  expect(matchWords({ matched: 20, percent: null })).toBe('20')
  expect(matchWords({ matched: 700, percent: 70 })).toBe('700 (70 %)')
})
