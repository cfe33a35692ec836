/** JSON laid out in lines; any other text as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

export interface Part {
  text: string
  match: boolean
}

/** Cuts a text where a search finds it, letters in any case. */
export function splitMatches(text: string, search: string): Part[] {
  const wanted = search.trim().toLowerCase()
  if (wanted === '') return [{ text, match: false }]
  const parts: Part[] = []
  const lower = text.toLowerCase()
  let from = 0
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    if (at > from) parts.push({ text: text.slice(from, at), match: false })
    parts.push({ text: text.slice(at, at + wanted.length), match: true })
    from = at + wanted.length
  }
  if (from < text.length) parts.push({ text: text.slice(from), match: false })
  return parts
}

/** How often a search finds something in texts as they are laid out. */
export const countMatches = (texts: string[], search: string): number =>
  texts.reduce((sum, text) => sum + splitMatches(pretty(text), search).filter((part) => part.match).length, 0)
