import { expect, it } from 'vitest'
import { problemsUnder } from './errors'

it('keeps everything that is said of one place', () => {
  const problem = (path: string, message: string) => ({ code: 'request.invalid', path, message })
  expect(
    problemsUnder('spec', [problem('spec.settings', 'a'), problem('spec.settings', 'b'), problem('spec.settings.url', 'c'), problem('metadata.name', 'd')]),
  ).toEqual({ settings: 'a; b', 'settings.url': 'c' })
})
