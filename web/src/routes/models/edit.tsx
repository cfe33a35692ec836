import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { saidDone } from '~/components/feedback/toast'
import { Card } from '~/components/page/Card'
import { Page } from '~/components/page/Page'
import { WizardFoot } from '~/components/wizard/Wizard'
import { DocumentGate } from '~/features/document/DocumentGate'
import { canPreview, columnsOf, rowsKey, rowsOf, specOf } from '~/features/model/draft'
import { MissingColumns } from '~/features/model/DriftNotice'
import { KeyChangeDialog } from '~/features/model/KeyChangeDialog'
import { KeyPicker } from '~/features/model/KeyPicker'
import { PreviewPanel } from '~/features/model/PreviewPanel'
import { RowsEditor } from '~/features/model/RowsEditor'
import { usePreview } from '~/features/model/usePreview'
import { missingColumns } from '~/features/model/uses'
import { draftOf, updateDocument, type KeyChange } from '~/services/documents'
import { usesQuery } from '~/services/models'
import type { Model } from '~/services/types'

const route = getRouteApi('/app/models/$slug/edit')

export default function EditModelPage() {
  const { slug } = route.useParams()
  return (
    <DocumentGate key={slug} kind="models" slug={slug}>
      {(model) => <EditModel model={model} />}
    </DocumentGate>
  )
}

/** Changes the query or the key of a model; its rows must be seen before they are saved. */
function EditModel({ model }: { model: Model }) {
  const { metadata, spec } = model
  const navigate = route.useNavigate()
  const client = useQueryClient()
  const [draft, setDraft] = useState(() => rowsOf(model))
  const [key, setKey] = useState(spec.primaryKey)
  const [asking, setAsking] = useState(false)
  const preview = usePreview(draft, spec.columns ?? [])
  const rows = preview.fresh ? preview.preview : undefined
  const seen = (rows?.rows ?? []).length > 0
  const uses = useQuery(usesQuery(metadata.slug)).data ?? []
  const used = uses.filter((use) => use.kind === 'sync') // the key is chosen here
  const save = useMutation({
    mutationFn: (change?: KeyChange) =>
      updateDocument(
        'models',
        metadata.slug,
        draftOf<'models'>(model, specOf(draft, key, rows === undefined ? (spec.columns ?? []) : columnsOf(rows, spec.columns ?? []), spec.description ?? '')),
        change,
      ),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['models'] })
      saidDone('The model is saved.')
      await navigate({ to: '/models/$slug', params: { slug: metadata.slug } })
    },
  })
  const dirty = rowsKey(draft) !== rowsKey(rowsOf(model)) || key !== spec.primaryKey
  useUnsavedGuard(dirty && !save.isPending && !save.isSuccess)
  const finish = () => {
    if (key !== spec.primaryKey && (model.status?.syncCount ?? 0) > 0) setAsking(true)
    else save.mutate(undefined)
  }
  return (
    <Page title={`Edit ${metadata.name}`} crumbs={[{ label: 'Models', to: '/models' }]}>
      <RowsEditor draft={draft} onChange={setDraft} onRun={() => canPreview(draft) && preview.run()} place={preview.place} />
      <PreviewPanel state={preview} ready={canPreview(draft)} />
      {seen && rows !== undefined && (
        <Card title="Primary key">
          <KeyPicker preview={rows} value={key} onChange={setKey} />
        </Card>
      )}
      {seen && rows !== undefined && (
        <MissingColumns
          title="The query no longer returns columns that are used"
          columns={missingColumns(used, rows.columns.map((c) => c.name))}
          uses={used}
        />
      )}
      {save.isError && <ErrorCard error={save.error} title="The model was not saved" />}
      <WizardFoot
        onBack={() => void navigate({ to: '/models/$slug', params: { slug: metadata.slug } })}
        next="Save"
        disabled={!seen || key === ''}
        loading={save.isPending}
        note={seen ? undefined : 'Preview at least one row to save.'}
        onNext={finish}
      />
      <KeyChangeDialog
        model={model}
        next={asking ? key : undefined}
        onCancel={() => setAsking(false)}
        onConfirm={(change) => {
          setAsking(false)
          save.mutate(change)
        }}
      />
    </Page>
  )
}
