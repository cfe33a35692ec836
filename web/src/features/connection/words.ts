import type { LastTest } from '~/services/types'

/** What the last connection test said, in a word. */
export function testWords(test: LastTest | null): string {
  if (test === null) return 'Not tested'
  return test.ok ? 'Connected' : 'Failing'
}
