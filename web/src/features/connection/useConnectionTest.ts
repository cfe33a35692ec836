import { useMutation } from '@tanstack/react-query'
import { testConnection, type Testable, type TestOptions } from '~/services/connections'
import { ApiError } from '~/services/http'
import type { Settings } from '~/services/types'

export type ConnectionState =
  | { kind: 'untested' }
  | { kind: 'testing' }
  | { kind: 'passed'; durationMs: number }
  | { kind: 'failed'; error: unknown }

interface Test extends TestOptions {
  type: string
  configuration: Settings
}

/** Tests connections, or credentials; a test counts for the very settings that it was made with. */
export function useConnectionTest(kind: Testable, wanted: Test) {
  const mutation = useMutation({
    mutationFn: async ({ type, configuration, ...options }: Test) => {
      const result = await testConnection(kind, type, configuration, options)
      if (!result.ok) throw new ApiError(422, result.error ?? { message: 'The connection test failed without a reason.' })
      return result
    },
  })
  const same = mutation.variables !== undefined && JSON.stringify(mutation.variables) === JSON.stringify(wanted)
  const run = () => mutation.mutate(wanted)
  return { state: stateOf(mutation, same), run }
}

interface Outcome {
  isPending: boolean
  isError: boolean
  error: unknown
  data: { durationMs: number } | undefined
}

function stateOf(mutation: Outcome, same: boolean): ConnectionState {
  if (!same) return { kind: 'untested' }
  if (mutation.isPending) return { kind: 'testing' }
  if (mutation.isError) return { kind: 'failed', error: mutation.error }
  return mutation.data === undefined ? { kind: 'untested' } : { kind: 'passed', durationMs: mutation.data.durationMs }
}
