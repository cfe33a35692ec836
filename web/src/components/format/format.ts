const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['week', 7 * 86_400],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'long' })

/** Says how far a moment is from now: "3 minutes ago", "in 2 hours", "just now". */
export function relativeTime(at: Date, now: Date): string {
  const seconds = (at.getTime() - now.getTime()) / 1000
  const size = Math.abs(seconds)
  if (size < 45) return seconds > 5 ? 'in a moment' : 'just now'
  for (const [unit, length] of units) {
    if (size >= length * 0.95) return relative.format(Math.round(seconds / length), unit)
  }
  return relative.format(Math.sign(seconds), 'minute')
}

/** The exact moment in the viewer's zone, with its name. */
export function exactTime(at: Date, zone?: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
    timeZone: zone,
  }).format(at)
}

/** A moment without seconds, for tables and schedules. */
export function shortTime(at: Date, zone?: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: zone,
  }).format(at)
}

/** A moment of these weeks where there is little room: "28 Nov, 14:05". */
export function briefTime(at: Date, zone?: string): string {
  return new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', timeZone: zone }).format(at)
}

/** A day such as 2026-11-28 in words: "Sat, 28 Nov 2026"; brief: "28 Nov". */
export function dayWords(day: string, brief = false): string {
  const more = brief ? {} : ({ weekday: 'short', year: 'numeric' } as const)
  return new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', ...more, timeZone: 'UTC' }).format(new Date(`${day}T00:00:00Z`))
}

/** A length of time: "840 ms", "12 s", "3 min 5 s", "2 h 10 min". */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = Math.round(ms / 1000)
  if (seconds < 10) return `${(ms / 1000).toFixed(1)} s`
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
}

const grouped = new Intl.NumberFormat('en')

/** A whole number with grouped digits. */
export const count = (n: number): string => grouped.format(n)

/** A count with its noun: "1 row", "2,000 rows". */
export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`

/** Words joined as in a sentence: "a, b and c". */
export function sentenceList(words: string[]): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`
}

/** The viewer's time zone, as an IANA name. */
export const viewerZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone
