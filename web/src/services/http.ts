import type { Problem } from './types'

/** An answer of the API that says no, with its code, its words and what to do next. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly path: string | undefined
  readonly suggestion: string | undefined
  readonly requestId: string | undefined
  /** Where in the query or template that was sent, counted from 1. */
  readonly place: { line: number; column: number } | undefined
  readonly issues: Problem[]

  constructor(status: number, body: Partial<Problem> & { requestId?: string; issues?: Problem[] | null }) {
    super(body.message ?? `The server answered with status ${status}.`)
    this.name = 'ApiError'
    this.status = status
    this.code = body.code ?? 'internal.error'
    this.path = body.path
    this.suggestion = body.suggestion
    this.requestId = body.requestId
    this.place = body.line === undefined ? undefined : { line: body.line, column: body.column ?? 1 }
    this.issues = body.issues ?? []
  }

  /** The same error, whose paths and message do not begin with a prefix. */
  withoutPrefix(prefix: string): ApiError {
    const cut = (text: string) => (text.startsWith(prefix) ? text.slice(prefix.length) : text)
    const { status, code, message, path, suggestion, requestId } = this
    const issues = this.issues.map((issue) => ({ ...issue, path: issue.path === undefined ? undefined : cut(issue.path) }))
    return new ApiError(status, { code, message, path: path === undefined ? undefined : cut(path), suggestion, requestId, issues })
  }
}

type QueryValue = string | number | boolean | undefined | null
/** The parameters of an address; a list is repeated. */
export type Query = Record<string, QueryValue | QueryValue[]>

let csrfToken = ''
let workspaceId: number | undefined
let onSignedOut: () => void = () => undefined

/** Sets the token that every change carries, and the workspace that the page shows. The session's answer brings both. */
export function setCsrfToken(token: string, workspace?: number): void {
  csrfToken = token
  workspaceId = workspace
}

/** Registers what happens when the server no longer knows the session. */
export function setSignedOutHandler(handler: () => void): void {
  onSignedOut = handler
}

/** Writes a path with its query; empty values are left out. */
export function withQuery(path: string, query: Query = {}): string {
  const params = new URLSearchParams()
  for (const [name, given] of Object.entries(query)) {
    for (const value of Array.isArray(given) ? given : [given]) {
      if (value !== undefined && value !== null && value !== '') params.append(name, String(value))
    }
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

/** Strings, so that digits in them are passed over, and numbers. */
const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/**
 * Reads JSON whose numbers are data of customers: one that JavaScript would round, such as an id of 19 digits,
 * becomes the text that was sent.
 */
export function parseExact(json: string): unknown {
  const exact = json.replace(tokens, (token) => (token.startsWith('"') || isExact(token) ? token : `"${token}"`))
  return JSON.parse(exact)
}

const isExact = (number: string): boolean => digits(String(Number(number))) === digits(number)

/** A number's digits that count, whichever way it is written. */
function digits(number: string): string {
  const [mantissa = ''] = number.toLowerCase().split('e')
  const bare = mantissa.replace(/^-/, '')
  const all = bare.includes('.') ? bare.replace(/0+$/, '').replace('.', '') : bare
  return all.replace(/^0+/, '').replace(/0+$/, '')
}

/**
 * Fetches the token anew where another tab has signed in since. Where that tab went to another workspace, what this page
 * would write belongs there no more.
 */
async function renewToken(): Promise<boolean> {
  const response = await fetch('/api/session', { headers: { Accept: 'application/json' } })
  if (!response.ok) return false
  const { csrfToken: next, workspace } = (await response.json()) as { csrfToken: string; workspace?: { id: number; name: string } }
  if (workspaceId !== undefined && workspace !== undefined && workspace.id !== workspaceId) {
    throw new ApiError(409, {
      code: 'access.other_workspace',
      message: `You are in the workspace ${workspace.name} now; this page shows another one.`,
      suggestion: 'Nothing was changed. Reload the page, or go back to its workspace first.',
    })
  }
  const changed = next !== csrfToken
  csrfToken = next
  return changed
}

/** A file goes as it is, everything else as JSON. */
function encoded(body: unknown): BodyInit | undefined {
  if (body === undefined || body instanceof Blob) return body
  return JSON.stringify(body)
}

async function send(method: string, url: string, body: unknown, signal: AbortSignal | undefined): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  if (method !== 'GET') headers['X-CSRF-Token'] = csrfToken
  try {
    return await fetch(url, { method, headers, signal, body: encoded(body) })
  } catch (cause) {
    throw unreachable(cause)
  }
}

/** Calls the API and returns the text that it answers; throws ApiError for every other outcome. */
async function requestText(method: string, url: string, body?: unknown, signal?: AbortSignal): Promise<string> {
  const response = await send(method, url, body, signal)
  if (response.ok) return response.text()
  const problem = await problemOf(response)
  if (problem.code === 'access.csrf' && (await renewToken())) return requestText(method, url, body, signal)
  if (response.status === 401 && !url.startsWith('/api/session')) onSignedOut()
  throw problem
}

/** Calls the API and returns the JSON that it answers; throws ApiError for every other outcome. */
export async function request<T>(method: string, url: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const text = await requestText(method, url, body, signal)
  return (text === '' ? undefined : JSON.parse(text)) as T
}

export const get = <T>(url: string, signal?: AbortSignal): Promise<T> => request<T>('GET', url, undefined, signal)
/** Reads an answer that holds rows of customers, without rounding their numbers. */
export const getExact = async <T>(url: string, signal?: AbortSignal): Promise<T> =>
  parseExact(await requestText('GET', url, undefined, signal)) as T
/** The same for a question that needs a body. */
export const postExact = async <T>(url: string, body: unknown, signal?: AbortSignal): Promise<T> =>
  parseExact(await requestText('POST', url, body, signal)) as T
export const post = <T>(url: string, body: unknown = {}, signal?: AbortSignal): Promise<T> =>
  request<T>('POST', url, body, signal)
export const put = <T>(url: string, body: unknown): Promise<T> => request<T>('PUT', url, body)
/** Sends a file. */
export const putFile = <T>(url: string, file: Blob): Promise<T> => request<T>('PUT', url, file)
export const del = (url: string): Promise<void> => request<void>('DELETE', url)
