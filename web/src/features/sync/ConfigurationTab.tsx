import { Button } from '@mantine/core'
import { IconBraces, IconEdit } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf, problemsUnder } from '~/components/feedback/errors'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone } from '~/components/feedback/toast'
import { SettingsView } from '~/components/fields/SettingsView'
import { MappingView, MatchView } from '~/components/mapping/MappingView'
import { Card } from '~/components/page/Card'
import { Facts } from '~/components/page/Facts'
import { destinationCatalogQuery } from '~/services/catalog'
import { documentQuery, draftOf, updateDocument } from '~/services/documents'
import type { DestinationInfo, Sync, SyncSpec, SyncType } from '~/services/types'
import { cleanSpec, isConfigured, specProblems } from './draft'
import { JsonEditor } from './JsonEditor'
import { SyncForm, useTargetFields } from './SyncForm'
import { deleteWords, modeWords } from './words'

/** Saves another spec of a sync. */
export function useSaveSync(sync: Sync, onSaved: () => void, done = 'The sync is saved. Its next run uses the new configuration.') {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (spec: SyncSpec) => updateDocument('syncs', sync.metadata.slug, draftOf<'syncs'>(sync, spec)),
    onSuccess: async (saved) => {
      client.setQueryData(['syncs', 'one', sync.metadata.slug], saved)
      await client.invalidateQueries({ queryKey: ['syncs'] })
      saidDone(done)
      onSaved()
    },
  })
}

/** What a sync does: to read, to edit in a form, to edit as JSON. */
export function ConfigurationTab({ sync }: { sync: Sync }) {
  const [mode, setMode] = useState<'view' | 'form' | 'json'>('view')
  const catalog = useQuery(destinationCatalogQuery)
  const info = catalog.data?.find((entry) => entry.slug === sync.status?.destination.type)
  const type = info?.syncTypes?.find((t) => t.slug === sync.spec.type)
  const done = () => setMode('view')
  if (catalog.isPending) return <LoadingRows />
  if (mode === 'json') return <JsonEditor sync={sync} onDone={done} />
  if (mode === 'form' && info !== undefined) return <EditForm sync={sync} info={info} onDone={done} />
  return (
    <div className="stack">
      <div className="row" style={{ justifyContent: 'flex-end' }}>
        <Button variant="default" size="xs" leftSection={<IconBraces size={14} />} onClick={() => setMode('json')}>
          Edit as JSON
        </Button>
        <Button size="xs" leftSection={<IconEdit size={14} />} disabled={info === undefined} onClick={() => setMode('form')}>
          Edit
        </Button>
      </div>
      <View sync={sync} type={type} />
    </div>
  )
}

function View({ sync: { spec }, type }: { sync: Sync; type: SyncType | undefined }) {
  return (
    <>
      <Card title="Type and mode">
        <Facts
          facts={[
            { label: 'Type', value: type?.name ?? spec.type },
            { label: 'Mode', value: modeWords[spec.mode]?.label ?? spec.mode },
            { label: 'Rows that leave the model', value: deleteWords[spec.delete ?? 'nothing'].label },
          ]}
        />
      </Card>
      {(type?.fields ?? []).length > 0 && (
        <Card title="Settings">
          <SettingsView fields={type?.fields ?? []} value={spec.settings ?? {}} />
        </Card>
      )}
      {(spec.match ?? []).length > 0 && (
        <Card title="Record matching">
          <MatchView match={spec.match ?? []} />
        </Card>
      )}
      {type?.mapping.enabled !== false && (
        <Card title="Field mapping">
          {spec.allColumns ? (
            <p className="muted">Every column is sent under its own name.</p>
          ) : (
            <MappingView mappings={spec.mappings ?? []} />
          )}
        </Card>
      )}
    </>
  )
}

function EditForm({ sync, info, onDone }: { sync: Sync; info: DestinationInfo; onDone: () => void }) {
  const model = useQuery(documentQuery('models', sync.spec.model))
  const [spec, setSpec] = useState(sync.spec)
  const [checked, setChecked] = useState(false)
  const save = useSaveSync(sync, onDone)
  const type = info.syncTypes?.find((t) => t.slug === spec.type)
  const fields = useTargetFields(spec, type?.mapping.enabled === true)
  useUnsavedGuard(JSON.stringify(spec) !== JSON.stringify(sync.spec) && !save.isPending && !save.isSuccess)
  if (model.isPending) return <LoadingRows />
  const columns = model.data?.spec.columns ?? []
  const ready = type !== undefined && isConfigured(specProblems(spec, type, columns, fields.data ?? []))
  const submit = () => {
    setChecked(true)
    if (ready) save.mutate(cleanSpec(spec, type))
  }
  return (
    <div className="stack" style={{ maxWidth: 860 }}>
      <SyncForm
        info={info}
        columns={columns}
        value={spec}
        checked={checked}
        serverErrors={problemsUnder('spec', problemsOf(save.error))}
        onChange={setSpec}
      />
      {save.isError && <ErrorCard error={save.error} title="The sync was not saved" />}
      <div className="row">
        <Button loading={save.isPending} onClick={submit}>
          Save
        </Button>
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
      </div>
    </div>
  )
}
