import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { previewModel } from '~/services/connections'
import type { ModelColumn } from '~/services/types'
import { rowsKey, type RowsDraft } from './draft'

/** Previews a model's rows; a preview counts only for the draft that it was made of. */
export function usePreview(draft: RowsDraft, columns: ModelColumn[] = []) {
  const [limited, setLimited] = useState(true)
  const [counted, setCounted] = useState(true)
  const mutation = useMutation({
    mutationFn: (of: RowsDraft) =>
      previewModel({
        source: of.source,
        method: of.method,
        ...(of.method === 'sql' ? { sql: of.sql } : { table: of.table }),
        limit: limited ? 100 : 0,
        count: counted,
        columns,
      }),
  })
  const current = mutation.variables !== undefined && rowsKey(mutation.variables) === rowsKey(draft)
  return {
    limited,
    setLimited,
    counted,
    setCounted,
    run: () => mutation.mutate(draft),
    running: mutation.isPending,
    error: mutation.error,
    /** The rows of the last preview. */
    preview: mutation.data,
    /** The last preview is of the draft as it stands. */
    fresh: current && mutation.isSuccess,
  }
}

export type PreviewState = ReturnType<typeof usePreview>
