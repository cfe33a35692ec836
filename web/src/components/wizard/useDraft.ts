import { useCallback, useState } from 'react'

function read<T>(key: string, initial: T): T {
  try {
    const stored = sessionStorage.getItem(key)
    return stored === null ? initial : { ...initial, ...(JSON.parse(stored) as Partial<T>) }
  } catch {
    return initial
  }
}

/**
 * What a person enters in a flow, kept over a reload of the tab until the flow is done. It must hold no
 * secrets: the browser stores it.
 */
export function useDraft<T extends object>(name: string, initial: T, stored: (value: T) => Partial<T> = (v) => v) {
  const key = `millrace.draft.${name}`
  const [value, setValue] = useState(() => read(key, initial))
  const set = useCallback(
    (next: T) => {
      setValue(next)
      sessionStorage.setItem(key, JSON.stringify(stored(next)))
    },
    [key, stored],
  )
  const clear = useCallback(() => sessionStorage.removeItem(key), [key])
  return { value, set, clear }
}
