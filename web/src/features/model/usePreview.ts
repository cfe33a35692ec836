import { useMutation } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { viewerZone } from '~/components/format/format'
import { previewModel } from '~/services/connections'
import { ApiError } from '~/services/http'
import type { Condition, ModelColumn } from '~/services/types'
import { rowsKey, rowsPart, type RowsDraft } from './draft'

const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError'

/** Previews a model's rows, those of them that the filter chooses; a preview counts only for what it was made of. */
export function usePreview(draft: RowsDraft, columns: ModelColumn[] = [], filter?: Condition) {
  const [limited, setLimited] = useState(true)
  const [counted, setCounted] = useState(true)
  const running = useRef<AbortController | null>(null)
  const mutation = useMutation({
    mutationFn: ({ of, filter }: { of: RowsDraft; filter: Condition | undefined }) => {
      running.current?.abort()
      running.current = new AbortController()
      const request = {
        source: of.source,
        method: of.method,
        ...(of.method === 'sql' ? { sql: of.sql } : rowsPart(of)),
        limit: limited ? 100 : 0,
        count: counted,
        columns,
        ...(filter === undefined ? {} : { filter, zone: viewerZone() }),
      }
      return previewModel(request, running.current.signal)
    },
  })
  // Who leaves the page has no use for the rows: the source stops.
  useEffect(() => () => running.current?.abort(), [])
  const current = mutation.variables !== undefined && rowsKey(mutation.variables.of) === rowsKey(draft) && JSON.stringify(mutation.variables.filter) === JSON.stringify(filter)
  const error = isAbort(mutation.error) ? null : mutation.error
  return {
    limited,
    setLimited,
    counted,
    setCounted,
    run: () => mutation.mutate({ of: draft, filter }),
    /** The rows shown are only some of the model's. */
    filtered: mutation.variables?.filter !== undefined,
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
