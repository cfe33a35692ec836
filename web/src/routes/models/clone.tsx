import { Checkbox, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone } from '~/components/feedback/toast'
import { plural } from '~/components/format/format'
import { Card } from '~/components/page/Card'
import { Page } from '~/components/page/Page'
import { WizardFoot } from '~/components/wizard/Wizard'
import { DocumentGate } from '~/features/document/DocumentGate'
import { MissingColumns } from '~/features/model/DriftNotice'
import { canPreview, columnsOf, rowsKey, rowsOf, specOf } from '~/features/model/draft'
import { KeyPicker } from '~/features/model/KeyPicker'
import classes from '~/features/model/Model.module.css'
import { PreviewPanel } from '~/features/model/PreviewPanel'
import { RowsEditor } from '~/features/model/RowsEditor'
import { usePreview } from '~/features/model/usePreview'
import { missingColumns } from '~/features/model/uses'
import { allQuery } from '~/services/documents'
import { cloneModel, usesQuery } from '~/services/models'
import type { Model, Preview } from '~/services/types'

const route = getRouteApi('/app/models/$slug/clone')

export default function CloneModelPage() {
  const { slug } = route.useParams()
  return (
    <DocumentGate key={slug} kind="models" slug={slug}>
      {(model) => <CloneModel model={model} />}
    </DocumentGate>
  )
}

/** Makes a model after another one: its query may be changed, and its syncs cloned as well (M-16). */
function CloneModel({ model }: { model: Model }) {
  const { metadata, spec } = model
  const navigate = route.useNavigate()
  const client = useQueryClient()
  const [draft, setDraft] = useState(() => rowsOf(model))
  const [name, setName] = useState(`Copy of ${metadata.name}`)
  const [description, setDescription] = useState(spec.description ?? '')
  const [key, setKey] = useState(spec.primaryKey)
  const [syncs, setSyncs] = useState<string[]>([])
  const preview = usePreview(draft, spec.columns ?? [])
  const rows = preview.fresh ? preview.preview : undefined
  const seen = (rows?.rows.length ?? 0) > 0
  const changed = rowsKey(draft) !== rowsKey(rowsOf(model))
  const columns = rows === undefined ? (spec.columns ?? []) : columnsOf(rows, spec.columns ?? [])
  const uses = (useQuery(usesQuery(metadata.slug)).data ?? []).filter((use) => use.kind === 'sync' && syncs.includes(use.slug))
  const save = useMutation({
    mutationFn: () =>
      cloneModel(
        metadata.slug,
        {
          metadata: { name: name.trim(), folder: metadata.folder, labels: metadata.labels },
          spec: specOf(draft, key, columns, description.trim()),
        },
        syncs,
      ),
    onSuccess: async (made) => {
      await Promise.all(['models', 'syncs', 'sources', 'destinations'].map((kind) => client.invalidateQueries({ queryKey: [kind] })))
      const also = made.syncs.length === 0 ? '' : ` ${plural(made.syncs.length, 'sync was', 'syncs were')} cloned too, and ${made.syncs.length === 1 ? 'is' : 'are'} disabled.`
      saidDone(`${made.model.metadata.name} is made.${also}`)
      await navigate({ to: '/models/$slug', params: { slug: made.model.metadata.slug }, search: made.syncs.length > 0 ? { tab: 'syncs' } : {} })
    },
  })
  useUnsavedGuard(changed && !save.isPending && !save.isSuccess)
  return (
    <Page title={`Clone ${metadata.name}`} crumbs={[{ label: 'Models', to: '/models' }]}>
      <RowsEditor draft={draft} onChange={setDraft} onRun={() => canPreview(draft) && preview.run()} place={preview.place} />
      <PreviewPanel state={preview} ready={canPreview(draft)} />
      <Card title="The new model">
        <div className="stack">
          <TextInput label="Name" withAsterisk maw={420} value={name} onChange={(event) => setName(event.currentTarget.value)} />
          {seen && rows !== undefined ? (
            <KeyPicker preview={rows} value={key} onChange={setKey} />
          ) : (
            <TextInput label="Primary key" description="Preview the rows to confirm or change it." maw={420} value={key} readOnly />
          )}
          <Textarea label="Description" autosize minRows={2} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
        </div>
      </Card>
      <SyncChoice model={metadata.slug} chosen={syncs} onChange={setSyncs} />
      {rows !== undefined && <ColumnsForSyncs preview={rows} uses={uses} />}
      {save.isError && <ErrorCard error={save.error} title="The model was not cloned" />}
      <WizardFoot
        onBack={() => void navigate({ to: '/models/$slug', params: { slug: metadata.slug } })}
        next="Clone"
        disabled={!seen || name.trim() === '' || key === ''}
        loading={save.isPending}
        note={!seen ? 'Preview at least one row to clone.' : name.trim() === '' ? 'Enter a name to clone.' : undefined}
        onNext={() => save.mutate()}
      />
    </Page>
  )
}

const ColumnsForSyncs = ({ preview, uses }: { preview: Preview; uses: Parameters<typeof missingColumns>[0] }) => (
  <MissingColumns
    title="The chosen syncs use columns that the query does not return"
    columns={missingColumns(uses, preview.columns.map((c) => c.name))}
    uses={uses}
  />
)

interface ChoiceProps {
  model: string
  chosen: string[]
  onChange: (slugs: string[]) => void
}

/** Which of the model's syncs are cloned with it. */
function SyncChoice({ model, chosen, onChange }: ChoiceProps) {
  const query = useQuery(allQuery('syncs', { model }))
  if (query.isPending) return <LoadingRows rows={2} />
  if (query.isError) return <ErrorCard error={query.error} title="The syncs could not be listed" onRetry={() => void query.refetch()} />
  const { items } = query.data
  if (items.length === 0) return null
  const all = items.map(({ metadata }) => metadata.slug)
  return (
    <Card title="Syncs to clone as well">
      <div className={classes.clones}>
        <p className="muted small">Their clones begin disabled: look at what they would send, then enable them.</p>
        {items.length > 1 && (
          <Checkbox
            label="All of them"
            checked={chosen.length === all.length}
            indeterminate={chosen.length > 0 && chosen.length < all.length}
            onChange={(event) => onChange(event.currentTarget.checked ? all : [])}
          />
        )}
        <Checkbox.Group aria-label="Syncs to clone as well" value={chosen} onChange={onChange}>
          <div className={classes.clones}>
            {items.map(({ metadata, status }) => (
              <Checkbox key={metadata.slug} value={metadata.slug} label={metadata.name} description={`To ${status.destination.name}`} />
            ))}
          </div>
        </Checkbox.Group>
      </div>
    </Card>
  )
}
