import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingPage } from '~/components/feedback/Loading'
import { Page } from '~/components/page/Page'
import { NotFoundPage } from '~/routes/not-found'
import { documentQuery, type Documents } from '~/services/documents'
import { ApiError } from '~/services/http'
import type { KindPath } from '~/services/types'

interface Props<K extends KindPath> {
  kind: K
  slug: string
  children: (document: Documents[K]) => ReactNode
}

/** Loads a document and draws its page; says so while it loads, is missing or cannot be had. */
export function DocumentGate<K extends KindPath>({ kind, slug, children }: Props<K>) {
  const query = useQuery(documentQuery(kind, slug))
  if (query.data !== undefined) return children(query.data)
  if (query.error instanceof ApiError && query.error.status === 404) return <NotFoundPage />
  return (
    <Page title={slug}>
      {query.isError ? <ErrorCard error={query.error} onRetry={() => void query.refetch()} /> : <LoadingPage />}
    </Page>
  )
}
