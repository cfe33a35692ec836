import { useMutation, useQueryClient } from '@tanstack/react-query'
import { saidDone, saidWarnings } from '~/components/feedback/toast'
import { draftOf, updateDocument } from '~/services/documents'
import type { Sync, SyncSpec } from '~/services/types'

/** Whether a sync has run, so that a change of it means something for rows that were sent. */
export const hasRun = (sync: Sync): boolean => sync.status?.lastRun !== null && sync.status?.lastRun !== undefined

/** Saves another spec of a sync. */
export function useSaveSync(sync: Sync, onSaved: () => void, done = 'The sync is saved. Its next run uses the new configuration.') {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (spec: SyncSpec) => updateDocument('syncs', sync.metadata.slug, draftOf<'syncs'>(sync, spec)),
    onSuccess: async (saved) => {
      client.setQueryData(['syncs', 'one', sync.metadata.slug], saved)
      await client.invalidateQueries({ queryKey: ['syncs'] })
      saidDone(done)
      saidWarnings('Saved, but not checked', saved.warnings)
      onSaved()
    },
  })
}
