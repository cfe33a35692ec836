import type { Problem } from './types'

/** An answer of the API that says no, with its code, its words and what to do next. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly path: string | undefined
  readonly suggestion: string | undefined
  readonly requestId: string | undefined
  readonly issues: Problem[]

  constructor(status: number, body: Partial<Problem> & { requestId?: string; issues?: Problem[] | null }) {
    super(body.message ?? `The server answered with status ${status}.`)
    this.name = 'ApiError'
    this.status = status
    this.code = body.code ?? 'internal.error'
    this.path = body.path
    this.suggestion = body.suggestion
    this.requestId = body.requestId
    this.issues = body.issues ?? []
  }
}

export type Query = Record<string, string | number | boolean | undefined | null>

let csrfToken = ''
let onSignedOut: () => void = () => undefined

/** Sets the token that every change carries. The session's answer brings it. */
export function setCsrfToken(token: string): void {
  csrfToken = token
}

/** Registers what happens when the server no longer knows the session. */
export function setSignedOutHandler(handler: () => void): void {
  onSignedOut = handler
}

/** Writes a path with its query; empty values are left out. */
export function withQuery(path: string, query: Query = {}): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') params.set(name, String(value))
  }
  const text = params.toString()
  return text === '' ? path : `${path}?${text}`
}

/** Makes a path from segments, each of them escaped. */
export function path(...segments: (string | number)[]): string {
  return '/api/' + segments.map((s) => encodeURIComponent(String(s))).join('/')
}

async function problemOf(response: Response): Promise<ApiError> {
  const text = await response.text()
  try {
    const body = JSON.parse(text) as { error?: ConstructorParameters<typeof ApiError>[1] }
    return new ApiError(response.status, body.error ?? {})
  } catch {
    return new ApiError(response.status, {})
  }
}

function unreachable(cause: unknown): ApiError {
  if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
  return new ApiError(0, {
    code: 'network.unreachable',
    message: 'Millrace did not answer.',
    suggestion: 'Check that the server is running and that you are connected, then try again.',
  })
}

/** Calls the API and returns the JSON that it answers; throws ApiError for every other outcome. */
export async function request<T>(method: string, url: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  if (method !== 'GET') headers['X-CSRF-Token'] = csrfToken
  let response: Response
  try {
    response = await fetch(url, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) })
  } catch (cause) {
    throw unreachable(cause)
  }
  if (!response.ok) {
    const problem = await problemOf(response)
    if (response.status === 401 && !url.startsWith('/api/session')) onSignedOut()
    throw problem
  }
  if (response.status === 204) return undefined as T
  return (await response.json()) as T
}

export const get = <T>(url: string, signal?: AbortSignal): Promise<T> => request<T>('GET', url, undefined, signal)
export const post = <T>(url: string, body: unknown = {}, signal?: AbortSignal): Promise<T> =>
  request<T>('POST', url, body, signal)
export const put = <T>(url: string, body: unknown): Promise<T> => request<T>('PUT', url, body)
export const del = (url: string): Promise<void> => request<void>('DELETE', url)
