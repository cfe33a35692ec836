import { Button, Select, Switch } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { saidDone } from '~/components/feedback/toast'
import { Card } from '~/components/page/Card'
import { sourceCatalogQuery } from '~/services/catalog'
import { allQuery, draftOf, updateDocument } from '~/services/documents'
import type { AudienceSizes, Destination } from '~/services/types'

interface Props {
  destination: Destination
  report: AudienceSizes
}

/** Whether sizes are written every day, and which source has the tables. */
export function ReportForm({ destination, report }: Props) {
  const client = useQueryClient()
  const { slug } = destination.metadata
  const before = { enabled: destination.spec.audienceSizes?.enabled ?? false, source: destination.spec.audienceSizes?.source ?? '' }
  const [draft, setDraft] = useState(before)
  const sources = useSources()
  const save = useMutation({
    mutationFn: () =>
      updateDocument('destinations', slug, draftOf<'destinations'>(destination, { ...destination.spec, audienceSizes: draft.source === '' ? undefined : draft })),
    onSuccess: async (saved) => {
      client.setQueryData(['destinations', 'one', slug], saved)
      await client.invalidateQueries({ queryKey: ['destinations'] })
      saidDone(draft.enabled ? 'The report is saved. The audiences are looked at now, and then once a day.' : 'The report is saved.')
    },
  })
  const changed = draft.enabled !== before.enabled || draft.source !== before.source
  useUnsavedGuard(changed && !save.isPending && !save.isSuccess)
  return (
    <Card title="Report">
      <div className="stack">
        <p className="muted small">
          Once a day, Millrace lists all audiences of the ad accounts that this destination reaches, and appends them with their sizes to a table of a source. What
          was written before stays.
        </p>
        <Select
          label="Source"
          description="Sources with the Lightning engine can be written to."
          placeholder={sources.length === 0 ? 'No source has the Lightning engine' : 'Choose a source'}
          data={sources}
          value={draft.source === '' ? null : draft.source}
          onChange={(source) => setDraft({ ...draft, source: source ?? '' })}
          searchable
        />
        <Switch
          label="Write audience sizes every day"
          checked={draft.enabled}
          disabled={draft.source === ''}
          onChange={(event) => setDraft({ ...draft, enabled: event.currentTarget.checked })}
        />
        {report.table !== undefined && (
          <p className="muted small">
            Table <code>{report.table}</code>; all destinations together in the view <code>{report.view}</code>.
          </p>
        )}
        {save.isError && <ErrorCard error={save.error} title="The report was not saved" />}
        <div className="row">
          <Button disabled={!changed} loading={save.isPending} onClick={() => save.mutate()}>
            Save
          </Button>
        </div>
      </div>
    </Card>
  )
}

/** The sources that can be written to, as a pick-list has them. */
function useSources() {
  const catalog = useQuery(sourceCatalogQuery)
  const all = useQuery(allQuery('sources'))
  const written = new Set(catalog.data?.filter((info) => info.syncLogs).map((info) => info.slug))
  return (all.data?.items ?? [])
    .filter(({ spec }) => spec.engine === 'lightning' && written.has(spec.type))
    .map(({ metadata }) => ({ value: metadata.slug, label: metadata.name }))
}
