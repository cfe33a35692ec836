import type { Mark } from './types'

interface Props {
  tone: Mark['tone']
  /** Its middle. */
  x: number
  y: number
}

const arm = 3.5

/** A cross for what failed, and a ring for what ended in another way. */
export const Sign = ({ tone, x, y }: Props) =>
  tone === 'bad' ? (
    <path d={`M${x - arm},${y - arm}l${2 * arm},${2 * arm}m0,${-2 * arm}l${-2 * arm},${2 * arm}`} stroke="var(--bad)" strokeWidth={2} strokeLinecap="round" fill="none" />
  ) : (
    <circle cx={x} cy={y} r={arm} stroke="var(--idle)" strokeWidth={1.5} fill="var(--surface)" />
  )
