import { useMutation } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { previewModel } from '~/services/connections'
import { ApiError } from '~/services/http'
import type { ModelColumn } from '~/services/types'
import { rowsKey, rowsPart, type RowsDraft } from './draft'

const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError'

/** Previews a model's rows; a preview counts only for the draft that it was made of. */
export function usePreview(draft: RowsDraft, columns: ModelColumn[] = []) {
  const [limited, setLimited] = useState(true)
  const [counted, setCounted] = useState(true)
  const running = useRef<AbortController | null>(null)
  const mutation = useMutation({
    mutationFn: (of: RowsDraft) => {
      running.current?.abort()
      running.current = new AbortController()
      const request = {
        source: of.source,
        method: of.method,
        ...(of.method === 'sql' ? { sql: of.sql } : rowsPart(of)),
        limit: limited ? 100 : 0,
        count: counted,
        columns,
      }
      return previewModel(request, running.current.signal)
    },
  })
  // Who leaves the page has no use for the rows: the source stops.
  useEffect(() => () => running.current?.abort(), [])
  const current = mutation.variables !== undefined && rowsKey(mutation.variables) === rowsKey(draft)
  const error = isAbort(mutation.error) ? null : mutation.error
  return {
    limited,
    setLimited,
    counted,
    setCounted,
    run: () => mutation.mutate(draft),
    /** Stops the query at the source. */
    cancel: () => running.current?.abort(),
    cancelled: isAbort(mutation.error),
    running: mutation.isPending,
    error,
    /** Where in the query as it stands the error is. */
    place: current && error instanceof ApiError ? error.place : undefined,
    /** The rows of the last preview. */
    preview: mutation.data,
    /** The casts that were applied to them, by column. */
    casts: columns,
    /** The last preview is of the draft as it stands. */
    fresh: current && mutation.isSuccess,
  }
}

export type PreviewState = ReturnType<typeof usePreview>
