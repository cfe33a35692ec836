import { Alert, Button, Tooltip } from '@mantine/core'
import { IconBraces, IconEdit, IconFlask } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useConfirm, useUnsavedGuard } from '~/components/confirm/confirm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf, problemsUnder } from '~/components/feedback/errors'
import { LoadingRows } from '~/components/feedback/Loading'
import { SettingsView } from '~/components/fields/SettingsView'
import { MappingView, MatchView } from '~/components/mapping/MappingView'
import { sentenceList } from '~/components/format/format'
import { Card } from '~/components/page/Card'
import { Facts } from '~/components/page/Facts'
import { destinationCatalogQuery } from '~/services/catalog'
import { documentQuery } from '~/services/documents'
import type { DestinationInfo, Sync, SyncType } from '~/services/types'
import { consequences, lostColumns } from './consequences'
import { cleanSpec, isConfigured, specProblems } from './draft'
import { ExpansionNotice } from './ExpansionNotice'
import { JsonEditor } from './JsonEditor'
import { hasRun, useSaveSync } from './save'
import { SyncForm, useTargetFields } from './SyncForm'
import { deleteWords, modeWords, untestable } from './words'

/** What a sync does: to read, to edit in a form, to edit as JSON. */
export function ConfigurationTab({ sync, onTest }: { sync: Sync; onTest: () => void }) {
  const [mode, setMode] = useState<'view' | 'form' | 'json'>('view')
  const catalog = useQuery(destinationCatalogQuery)
  const info = catalog.data?.find((entry) => entry.slug === sync.status?.destination.type)
  const type = info?.syncTypes?.find((t) => t.slug === sync.spec.type)
  const done = () => setMode('view')
  if (catalog.isPending) return <LoadingRows />
  if (mode === 'json') return <JsonEditor sync={sync} types={info?.syncTypes ?? []} onDone={done} />
  if (mode === 'form' && info !== undefined) return <EditForm sync={sync} info={info} onDone={done} />
  return (
    <div className="stack">
      <LostColumns sync={sync} />
      <div className="row" style={{ justifyContent: 'flex-end' }}>
        <TestButton why={type === undefined ? undefined : untestable(type, sync.spec.mode)} onClick={onTest} />
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

/** Opens the test of a row; says why there is none where the sync writes or replaces everything at once. */
function TestButton({ why, onClick }: { why: string | undefined; onClick: () => void }) {
  return (
    <Tooltip label={why} disabled={why === undefined} events={{ hover: true, focus: true, touch: true }}>
      <Button
        variant="default"
        size="xs"
        leftSection={<IconFlask size={14} />}
        data-disabled={why !== undefined || undefined}
        aria-disabled={why !== undefined}
        aria-description={why}
        onClick={why === undefined ? onClick : (event) => event.preventDefault()}
      >
        Test a row
      </Button>
    </Tooltip>
  )
}

/** Warns of columns that the sync uses and the model has lost (SY-37). */
function LostColumns({ sync: { spec } }: { sync: Sync }) {
  const model = useQuery(documentQuery('models', spec.model))
  const lost = lostColumns(spec, model.data?.spec.columns ?? [])
  if (lost.length === 0) return null
  return (
    <Alert title="The model has changed">
      {lost.length === 1 ? `It has no column ${lost[0]} any more` : `It has no columns ${sentenceList(lost)} any more`}, which this sync uses. Runs fail
      with “Unknown field name” until the fields are mapped to other columns or their mappings are removed. New columns of the model are not mapped by
      themselves.
    </Alert>
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
          <div className="stack" style={{ gap: 10 }}>
            <MatchView match={spec.match ?? []} />
            <ExpansionNotice array={spec.arrayExpansionSourceColumn} />
          </div>
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
  const confirm = useConfirm()
  const type = info.syncTypes?.find((t) => t.slug === spec.type)
  const fields = useTargetFields(spec, type?.mapping.enabled === true)
  useUnsavedGuard(JSON.stringify(spec) !== JSON.stringify(sync.spec) && !save.isPending && !save.isSuccess)
  if (model.isPending) return <LoadingRows />
  const columns = model.data?.spec.columns ?? []
  const ready = type !== undefined && isConfigured(specProblems(spec, type, columns, fields.data ?? []))
  const submit = async () => {
    setChecked(true)
    if (!ready) return
    const next = cleanSpec(spec, type)
    const words = consequences(cleanSpec(sync.spec, type), next, type, hasRun(sync))
    const yes =
      words.length === 0 ||
      (await confirm({ title: 'Save this configuration?', body: <div className="stack">{words.map((sentence) => <p key={sentence}>{sentence}</p>)}</div>, confirm: 'Save' }))
    if (yes) save.mutate(next)
  }
  return (
    <div className="stack" style={{ maxWidth: 860 }}>
      <SyncForm
        info={info}
        columns={columns}
        sync={sync.metadata.slug}
        value={spec}
        checked={checked}
        serverErrors={problemsUnder('spec', problemsOf(save.error))}
        onChange={setSpec}
      />
      {save.isError && <ErrorCard error={save.error} title="The sync was not saved" />}
      <div className="row">
        <Button loading={save.isPending} onClick={() => void submit()}>
          Save
        </Button>
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
      </div>
    </div>
  )
}
