import { useRef, useState } from 'react'
import type { Named } from '~/services/lists'

/** The chosen ones after a row was switched, with those between it and the one before it where there is such a span. */
export function switched(chosen: ReadonlyMap<string, string>, row: Named, span: Named[]): Map<string, string> {
  const next = new Map(chosen)
  const on = !next.delete(row.slug)
  for (const { slug, name } of [...span, row]) {
    if (on) next.set(slug, name)
    else next.delete(slug)
  }
  return next
}

/** Which documents of a list are chosen. Another list, which the key tells, begins with none. */
export function useSelection(key: string) {
  const [state, setState] = useState<{ key: string; chosen: ReadonlyMap<string, string> }>({ key, chosen: new Map() })
  const before = useRef<number>(undefined)
  const chosen: ReadonlyMap<string, string> = state.key === key ? state.chosen : new Map<string, string>()
  const set = (next: ReadonlyMap<string, string>) => setState({ key, chosen: next })
  return {
    chosen,
    clear: () => set(new Map()),
    choose: (all: Named[]) => set(new Map(all.map(({ slug, name }) => [slug, name]))),
    toggle: (row: Named, index: number, shift: boolean, nameAt: (index: number) => Named | undefined) => {
      const from = before.current
      const span: Named[] = []
      if (shift && from !== undefined) {
        for (let i = Math.min(from, index); i <= Math.max(from, index); i++) {
          const named = nameAt(i)
          if (named !== undefined) span.push(named)
        }
      }
      before.current = index
      set(switched(chosen, row, span))
    },
  }
}
