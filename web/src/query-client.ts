import { QueryClient } from '@tanstack/react-query'
import { ApiError } from './services/http'

/** Asks again only where another answer can be expected: no answer, or an error of the server. */
function shouldRetry(failures: number, error: Error): boolean {
  if (!(error instanceof ApiError)) return false
  return failures < 2 && (error.status === 0 || error.status >= 502)
}

/** The one cache of what the server said. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { staleTime: 10_000, retry: shouldRetry, refetchOnWindowFocus: true },
      mutations: { retry: false },
    },
  })
}
