/** Labels as people write them: key:value. */
export const labelTexts = (labels: Record<string, string> | null): string[] =>
  Object.entries(labels ?? {}).map(([key, value]) => `${key}:${value}`)

interface Parsed {
  labels: Record<string, string>
  problem: string | undefined
}

/** Reads key:value texts; names the first that is none. */
export function labelsFrom(texts: string[]): Parsed {
  const labels: Record<string, string> = {}
  for (const text of texts) {
    const at = text.indexOf(':')
    const key = text.slice(0, at).trim()
    const value = text.slice(at + 1).trim()
    if (at < 1 || key === '' || value === '') return { labels, problem: `“${text}” is not written as key:value.` }
    labels[key] = value
  }
  return { labels, problem: undefined }
}
