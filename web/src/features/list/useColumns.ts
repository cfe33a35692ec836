import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { keptChoice } from '~/components/table/columns'
import { sessionQuery } from '~/services/session'

/** What this browser keeps for a person; nothing where it may keep nothing. */
function kept(key: string): string | null {
  try {
    return window.localStorage.getItem(key)
  } catch {
    return null
  }
}

function keep(key: string, value: string | undefined): void {
  try {
    if (value === undefined) window.localStorage.removeItem(key)
    else window.localStorage.setItem(key, value)
  } catch {
    // Without a place to keep it, the choice lasts as long as the page.
  }
}

/** The columns that a person chose for a list, kept in the browser; nothing where the list is as it was. */
export function useColumns(kind: string): [string[] | undefined, (chosen: string[] | undefined) => void] {
  const { data: session } = useQuery(sessionQuery)
  const key = `millrace.columns.${session?.user.email ?? ''}.${kind}`
  const [state, setState] = useState<{ key: string; chosen: string[] | undefined }>()
  const before = useMemo(() => keptChoice(kept(key)), [key])
  const chosen = state?.key === key ? state.chosen : before
  return [
    chosen,
    (next) => {
      keep(key, next === undefined ? undefined : JSON.stringify(next))
      setState({ key, chosen: next })
    },
  ]
}

/** Whether the folders stand beside a list, kept in the browser; at first, where there is room. */
export function useFoldersShown(): [boolean, () => void] {
  const key = 'millrace.folders'
  const [shown, setShown] = useState(() => (kept(key) ?? (window.innerWidth >= 1400 ? 'shown' : 'hidden')) === 'shown')
  return [
    shown,
    () => {
      keep(key, shown ? 'hidden' : 'shown')
      setShown(!shown)
    },
  ]
}
