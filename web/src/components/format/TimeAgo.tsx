import { Tooltip } from '@mantine/core'
import { useSyncExternalStore } from 'react'
import { exactTime, relativeTime } from './format'

let now = Date.now()
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

function tick(): void {
  now = Date.now()
  for (const listener of listeners) listener()
}

/** One timer for all the times on the page. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  now = Date.now()
  timer ??= setInterval(tick, 20_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

interface Props {
  at: string | null | undefined
  /** What stands where there is no time. */
  none?: string
}

/** A time as its distance from now; the exact time in the viewer's zone on hover and focus. */
export function TimeAgo({ at, none = '–' }: Props) {
  const current = useSyncExternalStore(subscribe, () => now)
  if (!at) return <span className="muted">{none}</span>
  const date = new Date(at)
  return (
    <Tooltip label={exactTime(date)} events={{ hover: true, focus: true, touch: true }}>
      <time dateTime={at} className="num">
        {relativeTime(date, new Date(current))}
      </time>
    </Tooltip>
  )
}
