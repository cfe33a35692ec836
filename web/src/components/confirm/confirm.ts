import { useBlocker } from '@tanstack/react-router'
import { createContext, use, type ReactNode } from 'react'

export interface ConfirmQuestion {
  title: string
  /** What will happen, to what, and what cannot be undone. */
  body: ReactNode
  /** The verb of the action, such as "Delete sync". */
  confirm: string
  cancel?: string
  danger?: boolean
}

interface Confirm {
  ask: (question: ConfirmQuestion) => Promise<boolean>
}

export const ConfirmContext = createContext<Confirm | null>(null)

/** Asks the person before something that has consequences. */
export function useConfirm(): Confirm['ask'] {
  const context = use(ConfirmContext)
  if (context === null) throw new Error('useConfirm needs a ConfirmProvider above it.')
  return context.ask
}

/** The tab of a page, as its address has it. */
const tabOf = (search: object): unknown => (search as { tab?: unknown }).tab

/** Holds the person back from leaving a page, or one of its tabs, with changes that are not saved. */
export function useUnsavedGuard(dirty: boolean): void {
  const ask = useConfirm()
  useBlocker({
    shouldBlockFn: async ({ current, next }) => {
      if (!dirty || (current.pathname === next.pathname && tabOf(current.search) === tabOf(next.search))) return false
      const leave = await ask({
        title: 'Leave without saving?',
        body: 'Your changes on this page are not saved and will be lost.',
        confirm: 'Leave',
        cancel: 'Stay',
        danger: true,
      })
      return !leave
    },
    enableBeforeUnload: () => dirty,
  })
}
