import { ApiError } from '~/services/http'
import type { Problem } from '~/services/types'

export interface ErrorWords {
  message: string
  suggestion: string | undefined
  code: string | undefined
  requestId: string | undefined
}

/** What an error says to a person. */
export function errorWords(error: unknown): ErrorWords {
  if (error instanceof ApiError) {
    const { message, suggestion, code, requestId } = error
    return { message, suggestion, code, requestId }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { message, suggestion: undefined, code: undefined, requestId: undefined }
}

/** The single problems of an error: its issues, or itself. */
export function problemsOf(error: unknown): Problem[] {
  if (!(error instanceof ApiError)) return []
  if (error.issues.length > 0) return error.issues
  const { code, message, path, suggestion } = error
  return [{ code, message, path, suggestion }]
}

/** The messages of problems under a path, by what follows it: "spec.configuration" + ".host" → host. Several of one place are one text. */
export function problemsUnder(prefix: string, problems: Problem[]): Record<string, string> {
  const found: Record<string, string> = {}
  for (const { path, message } of problems) {
    if (path?.startsWith(`${prefix}.`) !== true) continue
    const place = path.slice(prefix.length + 1)
    found[place] = found[place] === undefined ? message : `${found[place]}; ${message}`
  }
  return found
}
