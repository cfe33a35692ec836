import type { SyncSpec } from '~/services/types'

interface Parsed {
  spec?: SyncSpec
  problem?: string
}

const required = ['model', 'destination', 'type', 'mode'] as const

/** Reads a sync's configuration; the server judges the rest. */
export function parseSpec(text: string): Parsed {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { problem: 'The configuration is a JSON object.' }
  const missing = required.find((name) => typeof (value as Record<string, unknown>)[name] !== 'string')
  if (missing !== undefined) return { problem: `“${missing}” is missing.` }
  return { spec: value as SyncSpec }
}
