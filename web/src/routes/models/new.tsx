import { Badge, Textarea, TextInput } from '@mantine/core'
import { LinkButton } from '~/components/page/LinkButton'
import { IconDatabase } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { ConnectorIcon } from '~/components/brand/ConnectorIcon'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone } from '~/components/feedback/toast'
import { Card } from '~/components/page/Card'
import { Page } from '~/components/page/Page'
import { ChoiceCard, ChoiceGrid } from '~/components/wizard/ChoiceCard'
import { useDraft } from '~/components/wizard/useDraft'
import { Steps, WizardFoot } from '~/components/wizard/Wizard'
import { canPreview, columnsOf, guessKey, specOf, type RowsDraft } from '~/features/model/draft'
import { KeyPicker } from '~/features/model/KeyPicker'
import { PreviewPanel } from '~/features/model/PreviewPanel'
import { RowsEditor } from '~/features/model/RowsEditor'
import { usePreview } from '~/features/model/usePreview'
import { allQuery, createDocument } from '~/services/documents'
import type { Preview, Source } from '~/services/types'

const route = getRouteApi('/app/models/new')
const steps = ['Choose source', 'Define model', 'Finalize']

/** Choose a source, describe the rows, see them, name the model. */
export default function NewModelPage() {
  const { source, method } = route.useSearch()
  const navigate = route.useNavigate()
  const choose = (slug?: string) => void navigate({ search: slug === undefined ? {} : { source: slug, method } })
  return (
    <Page title="Add model" crumbs={[{ label: 'Models', to: '/models' }]}>
      {source === undefined ? (
        <>
          <Steps steps={steps} current={0} />
          <SourceChoice onChoose={choose} />
        </>
      ) : (
        <Define key={source} source={source} onBack={() => choose()} />
      )}
    </Page>
  )
}

function SourceChoice({ onChoose }: { onChoose: (slug: string) => void }) {
  const sources = useQuery(allQuery('sources'))
  if (sources.isPending) return <LoadingRows />
  if (sources.isError) return <ErrorCard error={sources.error} onRetry={() => void sources.refetch()} />
  if (sources.data.items.length === 0) {
    return (
      <EmptyState icon={IconDatabase} title="Connect a source first" action={<LinkButton to="/sources/new">Add source</LinkButton>}>
        A model reads its rows from a source.
      </EmptyState>
    )
  }
  return (
    <ChoiceGrid label="Sources">
      {sources.data.items.map((source: Source) => (
        <ChoiceCard
          key={source.metadata.slug}
          icon={<ConnectorIcon type={source.spec.type} size={34} />}
          title={source.metadata.name}
          text={source.spec.description || source.spec.type}
          badge={source.status?.sample ? <Badge>Sample</Badge> : undefined}
          onClick={() => onChoose(source.metadata.slug)}
        />
      ))}
    </ChoiceGrid>
  )
}

function Define({ source, onBack }: { source: string; onBack: () => void }) {
  const { method = 'sql' } = route.useSearch()
  const initial: RowsDraft = { source, method, sql: '', table: undefined }
  const draft = useDraft(`model.${source}`, initial)
  const preview = usePreview(draft.value)
  const [finalizing, setFinalizing] = useState(false)
  const seen = preview.fresh && (preview.preview?.rows ?? []).length > 0
  const run = () => canPreview(draft.value) && preview.run()
  if (finalizing && preview.preview !== undefined) {
    return (
      <>
        <Steps steps={steps} current={2} onStep={(i) => (i === 0 ? onBack() : setFinalizing(false))} />
        <Finalize draft={draft.value} preview={preview.preview} onBack={() => setFinalizing(false)} onSaved={draft.clear} />
      </>
    )
  }
  return (
    <>
      <Steps steps={steps} current={1} onStep={onBack} />
      <RowsEditor draft={draft.value} onChange={draft.set} onRun={run} place={preview.place} />
      <PreviewPanel state={preview} ready={canPreview(draft.value)} />
      <WizardFoot
        onBack={onBack}
        next="Continue"
        disabled={!seen}
        note={seen ? undefined : 'Preview at least one row to continue.'}
        onNext={() => setFinalizing(true)}
      />
    </>
  )
}

interface FinalizeProps {
  draft: RowsDraft
  preview: Preview
  onBack: () => void
  onSaved: () => void
}

function Finalize({ draft, preview, onBack, onSaved }: FinalizeProps) {
  const client = useQueryClient()
  const navigate = route.useNavigate()
  const [name, setName] = useState(draft.method === 'table' ? (draft.table?.name ?? '') : '')
  const [description, setDescription] = useState('')
  const [key, setKey] = useState(() => guessKey(preview))
  const save = useMutation({
    mutationFn: () =>
      createDocument('models', {
        metadata: { name: name.trim() },
        spec: specOf(draft, key, columnsOf(preview, []), description.trim()),
      }),
    onSuccess: async (model) => {
      onSaved()
      await Promise.all([client.invalidateQueries({ queryKey: ['models'] }), client.invalidateQueries({ queryKey: ['sources'] })])
      saidDone(`${model.metadata.name} is ready to be synced.`)
      await navigate({ to: '/models/$slug', params: { slug: model.metadata.slug } })
    },
  })
  return (
    <>
      <Card title="Finalize model">
        <div className="stack">
          <TextInput label="Name" withAsterisk maw={420} autoFocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <KeyPicker preview={preview} value={key} onChange={setKey} />
          <Textarea label="Description" autosize minRows={2} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
        </div>
      </Card>
      {save.isError && <ErrorCard error={save.error} title="The model was not saved" />}
      <WizardFoot
        onBack={onBack}
        next="Finish"
        loading={save.isPending}
        disabled={name.trim() === '' || key === ''}
        note={name.trim() === '' ? 'Enter a name to finish.' : undefined}
        onNext={() => save.mutate()}
      />
    </>
  )
}
