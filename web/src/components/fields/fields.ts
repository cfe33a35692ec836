import type { Field, Json, Settings } from '~/services/types'

/** What the server sends in the place of a secret that it has. */
export const storedSecret: Json = { $secret: 'set' }

/** Whether a value stands for a secret that the server keeps. */
export function isStoredSecret(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && '$secret' in value
}

export const isSecret = (field: Field): boolean => field.secret === true || field.type === 'secret'

/** A value as text; what is no single value as JSON. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return ''
  return JSON.stringify(value)
}

/** Whether a field exists for these settings (connector.ShowIf). */
export function exists(field: Field, settings: Settings): boolean {
  if (!field.showIf) return true
  const values = field.showIf.in ?? []
  return values.length === 0 || values.includes(textOf(settings[field.showIf.field]))
}

/** A copy in which the fields that exist and have no value have their defaults. */
export function withDefaults(fields: Field[], settings: Settings): Settings {
  const out: Settings = { ...settings }
  for (const field of fields) {
    if (out[field.name] === undefined && field.default !== undefined && exists(field, out)) {
      out[field.name] = field.default
    }
  }
  return out
}

/** Whether nothing is set. */
export const isEmpty = (value: Json | undefined): boolean =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)

/** Whether a field's input is short enough to stand beside another one. */
export const isNarrow = ({ type, secret }: Field): boolean => secret !== true && (type === 'number' || type === 'select')

/**
 * What is sent: no field that does not exist, no value that is empty. An empty secret is sent, since it removes
 * the one that the server keeps; one that is left out stays.
 */
export function cleaned(fields: Field[], settings: Settings): Settings {
  const full = withDefaults(fields, settings)
  const out: Settings = {}
  for (const field of fields) {
    const value = full[field.name]
    if (value === undefined || !exists(field, full)) continue
    if (!isEmpty(value) || (isSecret(field) && value === '')) out[field.name] = cleanedValue(field, value)
  }
  return out
}

function cleanedValue(field: Field, value: Json): Json {
  if (field.type === 'object' && field.fields && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return cleaned(field.fields, value)
  }
  return value
}

function numberProblem(field: Field, value: Json): string | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return `${field.label} must be a number.`
  if (field.min !== undefined && value < field.min) return `${field.label} must be at least ${field.min}.`
  if (field.max !== undefined && value > field.max) return `${field.label} must be at most ${field.max}.`
  return undefined
}

function problemOf(field: Field, value: Json | undefined): string | undefined {
  if (value === undefined || isEmpty(value)) return field.required ? `${field.label} is required.` : undefined
  return field.type === 'number' ? numberProblem(field, value) : undefined
}

/** What is wrong with the settings, by the path of the field. */
export function problems(fields: Field[], settings: Settings, prefix = ''): Record<string, string> {
  const full = withDefaults(fields, settings)
  const found: Record<string, string> = {}
  for (const field of fields.filter((f) => exists(f, full))) {
    const problem = problemOf(field, full[field.name])
    if (problem !== undefined) found[prefix + field.name] = problem
    if (field.type === 'object' && field.fields) {
      Object.assign(found, problems(field.fields, objectOf(full[field.name]), `${prefix}${field.name}.`))
    }
  }
  return found
}

/** A value as settings; anything else is empty settings. */
export function objectOf(value: Json | undefined): Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}

/** A value as a list of texts. */
export function listOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.map(textOf) : []
}

/** The settings without what a browser must not keep. */
export function withoutSecrets(fields: Field[], settings: Settings): Settings {
  const hidden = new Set(fields.filter((f) => isSecret(f) || f.type === 'headers').map((f) => f.name))
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !hidden.has(name)))
}

export interface Header {
  name: string
  value: Json
  secret: boolean
}

/** A value as headers. */
export function headersOf(value: Json | undefined): Header[] {
  if (!Array.isArray(value)) return []
  return value.map((item) => {
    const header = objectOf(item as Json)
    return { name: textOf(header.name), value: header.value ?? '', secret: header.secret === true }
  })
}

export { textOf }
