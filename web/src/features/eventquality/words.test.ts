import { expect, it } from 'vitest'
import { additionalWords, findingsWords, partWords, scoreWords } from './words'

it('tells what a vendor told, and what it did not', () => {
  expect(scoreWords(null)).toBe('Unknown')
  expect(scoreWords(0)).toBe('0 of 10')
  expect(scoreWords(6.25)).toBe('6.3 of 10')
  expect(partWords(null)).toBe('Unknown')
  expect(partWords(0)).toBe('0 %')
  expect(partWords(99.9)).toBe('99.9 %')
  expect(additionalWords(null)).toBe('Unknown')
  expect(additionalWords(0)).toBe('0 %')
  expect(additionalWords(1137.94)).toBe('+1,137.9 %')
  expect(findingsWords(0)).toBe('None')
  expect(findingsWords(2)).toBe('2')
})
