import { useNavigate, useSearch } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import { LoadingPage } from '~/components/feedback/Loading'
import type { LineageOf } from '~/services/lineage'
import type { Look } from './LineagePanel'

const LineagePanel = lazy(async () => ({ default: (await import('./LineagePanel')).LineagePanel }))

/** What a document's rows come from and go to. How it is looked at stands in the page's address. */
export function LineageTab({ of }: { of: LineageOf }) {
  const look: Look = useSearch({ strict: false, select: ({ search, view, trouble }) => ({ search, view, trouble }), structuralSharing: true })
  const navigate = useNavigate()
  return (
    <Suspense fallback={<LoadingPage />}>
      <LineagePanel of={of} look={look} onLook={(next) => void navigate({ to: '.', search: (before) => ({ ...before, ...next }), replace: true })} />
    </Suspense>
  )
}
