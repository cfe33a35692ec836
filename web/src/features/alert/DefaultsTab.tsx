import { Button } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf, problemsUnder } from '~/components/feedback/errors'
import { saidDone } from '~/components/feedback/toast'
import { triggerCatalogQuery } from '~/services/catalog'
import { draftOf, updateDocument } from '~/services/documents'
import type { Destination } from '~/services/types'
import { AlertsForm } from './AlertsForm'
import { cleanAlerts, isComplete } from './draft'

/** What counts for the alerts of all syncs of a destination that say nothing else (SY-62). */
export function DefaultsTab({ destination }: { destination: Destination }) {
  const client = useQueryClient()
  const before = destination.spec.alerts ?? {}
  const [draft, setDraft] = useState(before)
  const types = useQuery(triggerCatalogQuery)
  const slug = destination.metadata.slug
  const save = useMutation({
    mutationFn: () => updateDocument('destinations', slug, draftOf<'destinations'>(destination, { ...destination.spec, alerts: cleanAlerts(draft) })),
    onSuccess: async (saved) => {
      client.setQueryData(['destinations', 'one', slug], saved)
      await Promise.all([client.invalidateQueries({ queryKey: ['destinations'] }), client.invalidateQueries({ queryKey: ['syncs', 'alerts'] })])
      saidDone('The alerts are saved. They count from the next evaluation of each sync on.')
    },
  })
  const dirty = JSON.stringify(cleanAlerts(draft)) !== JSON.stringify(cleanAlerts(before))
  useUnsavedGuard(dirty && !save.isPending && !save.isSuccess)
  return (
    <div className="stack" style={{ maxWidth: 860 }}>
      <p className="muted">For every sync to this destination, unless the sync has settings of its own.</p>
      <AlertsForm layer="destination" value={draft} onChange={setDraft} errors={problemsUnder('spec.alerts', problemsOf(save.error))} />
      {save.isError && <ErrorCard error={save.error} title="The alerts were not saved" />}
      <div className="row">
        <Button disabled={!dirty || !isComplete(draft, types.data ?? [])} loading={save.isPending} onClick={() => save.mutate()}>
          Save
        </Button>
        <Button variant="default" disabled={!dirty} onClick={() => setDraft(before)}>
          Discard
        </Button>
      </div>
    </div>
  )
}
