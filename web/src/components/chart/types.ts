/** How a series is drawn: the first three are solid or lined, what went wrong is hatched in red. */
export type Look = 'first' | 'second' | 'third' | 'bad'

/** One of the numbers that every point has. */
export interface Series {
  id: string
  label: string
  look: Look
}

/** What happened at a point that its numbers do not say. */
export interface Mark {
  /** In words: "Failed", "2 failed runs". */
  label: string
  tone: 'bad' | 'idle'
  /** Stands beside the sign. */
  text?: string
}

/** A run, a day or another moment with its numbers. */
export interface Point {
  key: string | number
  /** In milliseconds since 1970; lines are drawn over time. */
  at: number
  /** Below the axis. */
  short: string
  /** Where there is room: in the tooltip, the table and for screen readers. */
  title: string
  /** By the id of the series; null where it is not known. */
  values: Record<string, number | null>
  mark?: Mark
  /** The page of what it is about. */
  to?: string
}

/** What numbers are: counts of something, or lengths of time in milliseconds. */
export type Measure = 'count' | 'duration'

/** Bars whose numbers stand one on the other, or a line for each number over time. */
export type Kind = 'bars' | 'lines'
