import { Button, Modal, TextInput } from '@mantine/core'
import { LinkButton } from '~/components/page/LinkButton'
import { IconSend, IconTable } from '@tabler/icons-react'
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState, type ReactNode } from 'react'
import { ConnectorIcon } from '~/components/brand/ConnectorIcon'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf, problemsUnder } from '~/components/feedback/errors'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone, saidFailed, saidWarnings } from '~/components/feedback/toast'
import { withoutSecrets } from '~/components/fields/fields'
import { Card } from '~/components/page/Card'
import { Page } from '~/components/page/Page'
import { ScheduleEditor } from '~/components/schedule/ScheduleEditor'
import { SearchField } from '~/components/table/ListToolbar'
import { ChoiceCard, ChoiceGrid, ChoiceWith } from '~/components/wizard/ChoiceCard'
import { useDraft } from '~/components/wizard/useDraft'
import { Steps, WizardFoot } from '~/components/wizard/Wizard'
import { ModelQuery } from '~/features/model/ModelQuery'
import { cleanSpec, freshSpec, isConfigured, specProblems } from '~/features/sync/draft'
import { SyncForm, useTargetFields } from '~/features/sync/SyncForm'
import { destinationCatalogQuery } from '~/services/catalog'
import { allQuery, createDocument, documentQuery, validateDocument, type Documents } from '~/services/documents'
import { ApiError } from '~/services/http'
import { triggerSync } from '~/services/syncs'
import type { Destination, DestinationInfo, Model, SyncSpec } from '~/services/types'

const route = getRouteApi('/app/syncs/new')
const steps = ['Model', 'Destination', 'Configure', 'Schedule']

/** Which rows go where, how, and when. */
export default function NewSyncPage() {
  const { model, destination, step } = route.useSearch()
  const navigate = route.useNavigate()
  const current = model === undefined ? 0 : destination === undefined ? 1 : step === 'schedule' ? 3 : 2
  const back = (index: number) => {
    if (index === 0) void navigate({ search: { destination } })
    else if (index === 1) void navigate({ search: { model } })
    else void navigate({ search: { model, destination, step: 'configure' } })
  }
  return (
    <Page title="Add sync" crumbs={[{ label: 'Syncs', to: '/syncs' }]} width={current > 1 ? 'narrow' : 'wide'}>
      <Steps steps={steps} current={current} onStep={back} />
      {current === 0 && <ModelChoice onChoose={(slug) => void navigate({ search: { model: slug, destination } })} />}
      {current === 1 && <DestinationChoice onChoose={(slug) => void navigate({ search: { model, destination: slug } })} />}
      {model !== undefined && destination !== undefined && <Gather key={`${model} ${destination}`} model={model} destination={destination} onBack={back} />}
    </Page>
  )
}

interface ChoiceProps<K extends 'models' | 'destinations'> {
  kind: K
  /** What stands there while there is none at all. */
  empty: ReactNode
  children: (document: Documents[K]) => ReactNode
}

/** A kind's documents to choose from; many of them can be searched. */
function Choices<K extends 'models' | 'destinations'>({ kind, empty, children }: ChoiceProps<K>) {
  const [search, setSearch] = useState('')
  const query = useQuery({ ...allQuery(kind, { search, limit: shownChoices }), placeholderData: keepPreviousData })
  if (query.isPending) return <LoadingRows />
  if (query.isError) return <ErrorCard error={query.error} onRetry={() => void query.refetch()} />
  const { items, total } = query.data
  if (total === 0 && search === '') return empty
  return (
    <div className="stack">
      {(total > 12 || search !== '') && (
        <div style={{ maxWidth: 340 }}>
          <SearchField label={`Search ${kind}`} value={search} onChange={setSearch} />
        </div>
      )}
      {total === 0 && <p className="muted">No {kind} match.</p>}
      <ChoiceGrid label={kind.charAt(0).toUpperCase() + kind.slice(1)}>{items.map(children)}</ChoiceGrid>
      {total > shownChoices && <p className="muted small">Search to see {total - shownChoices} more.</p>}
    </div>
  )
}

const shownChoices = 60

function ModelChoice({ onChoose }: { onChoose: (slug: string) => void }) {
  const [viewed, setViewed] = useState<Model>()
  const empty = (
    <EmptyState icon={IconTable} title="Describe a model first" action={<LinkButton to="/models/new">Add model</LinkButton>}>
      A sync sends the rows of a model.
    </EmptyState>
  )
  return (
    <>
      <Choices kind="models" empty={empty}>
        {(model) => (
          <ChoiceWith
            key={model.metadata.slug}
            action={
              <Button size="compact-sm" variant="subtle" aria-label={`View query of ${model.metadata.name}`} onClick={() => setViewed(model)}>
                View query
              </Button>
            }
          >
            <ChoiceCard
              icon={<ConnectorIcon type={model.status?.source.type ?? ''} size={34} />}
              title={model.metadata.name}
              text={model.status?.source.name ?? model.spec.source}
              onClick={() => onChoose(model.metadata.slug)}
            />
          </ChoiceWith>
        )}
      </Choices>
      {viewed !== undefined && (
        <Modal opened onClose={() => setViewed(undefined)} size="xl" title={<strong>{viewed.metadata.name}</strong>}>
          <div className="stack">
            <ModelQuery model={viewed} />
            <Button w="fit-content" onClick={() => onChoose(viewed.metadata.slug)}>
              Choose this model
            </Button>
          </div>
        </Modal>
      )}
    </>
  )
}

function DestinationChoice({ onChoose }: { onChoose: (slug: string) => void }) {
  const catalog = useQuery(destinationCatalogQuery)
  const typeName = (slug: string) => catalog.data?.find((entry) => entry.slug === slug)?.name ?? slug
  const empty = (
    <EmptyState icon={IconSend} title="Connect a destination first" action={<LinkButton to="/destinations/new">Add destination</LinkButton>}>
      A sync sends rows to a destination.
    </EmptyState>
  )
  return (
    <Choices kind="destinations" empty={empty}>
      {(destination) => (
        <ChoiceCard
          key={destination.metadata.slug}
          icon={<ConnectorIcon type={destination.spec.type} size={34} />}
          title={destination.metadata.name}
          text={typeName(destination.spec.type)}
          onClick={() => onChoose(destination.metadata.slug)}
        />
      )}
    </Choices>
  )
}

interface GatherProps {
  model: string
  destination: string
  onBack: (step: number) => void
}

/** Loads what the form needs to know. */
function Gather({ model, destination, onBack }: GatherProps) {
  const models = useQuery(documentQuery('models', model))
  const destinations = useQuery(documentQuery('destinations', destination))
  const catalog = useQuery(destinationCatalogQuery)
  const failed = models.error ?? destinations.error ?? catalog.error
  if (failed !== null) return <ErrorCard error={failed} />
  if (!models.data || !destinations.data || !catalog.data) return <LoadingRows />
  const info = catalog.data.find((entry) => entry.slug === destinations.data.spec.type)
  if (info === undefined) return <ErrorCard error={new Error(`There is no connector called “${destinations.data.spec.type}”.`)} />
  return <Configure model={models.data} destination={destinations.data} info={info} onBack={onBack} />
}

interface ConfigureProps {
  model: Model
  destination: Destination
  info: DestinationInfo
  onBack: (step: number) => void
}

const stored =
  (info: DestinationInfo) =>
  (spec: SyncSpec): SyncSpec => {
    const fields = info.syncTypes?.find((t) => t.slug === spec.type)?.fields ?? []
    return { ...spec, settings: withoutSecrets(fields, spec.settings ?? {}) }
  }

function Configure({ model, destination, info, onBack }: ConfigureProps) {
  const { step } = route.useSearch()
  const navigate = route.useNavigate()
  const slugs = { model: model.metadata.slug, destination: destination.metadata.slug }
  const [keep] = useState(() => stored(info))
  const draft = useDraft(`sync.${slugs.model}.${slugs.destination}`, freshSpec(slugs.model, slugs.destination, info), keep)
  const spec = draft.value
  const [checked, setChecked] = useState(false)
  const columns = model.spec.columns ?? []
  const type = info.syncTypes?.find((t) => t.slug === spec.type)
  const fields = useTargetFields(spec, type?.mapping.enabled === true)
  const problems = type === undefined ? undefined : specProblems(spec, type, columns, fields.data ?? [])
  const ready = problems !== undefined && isConfigured(problems)
  const name = `${model.metadata.name} to ${destination.metadata.name}`
  const check = useMutation({
    mutationFn: async () => {
      if (type === undefined) return
      const { issues, warnings } = await validateDocument('syncs', { metadata: { name }, spec: cleanSpec(spec, type) })
      if (issues[0] !== undefined) throw new ApiError(422, { ...issues[0], issues })
      saidWarnings('Not checked', warnings)
    },
    onSuccess: () => navigate({ search: { ...slugs, step: 'schedule' } }),
  })
  const goOn = () => {
    setChecked(true)
    if (ready) check.mutate()
  }
  if (step === 'schedule' && type !== undefined) {
    return (
      <Finish
        name={name}
        spec={cleanSpec(spec, type)}
        onSchedule={(schedule) => draft.set({ ...spec, schedule })}
        problem={problems?.schedule}
        onBack={() => onBack(2)}
        onSaved={draft.clear}
      />
    )
  }
  return (
    <>
      <p className="row muted wrap">
        <ConnectorIcon type={model.status?.source.type ?? ''} size={22} />
        {model.metadata.name} <span aria-label="to">→</span> <ConnectorIcon type={destination.spec.type} size={22} />
        {destination.metadata.name}
      </p>
      <SyncForm
        info={info}
        columns={columns}
        value={spec}
        checked={checked}
        serverErrors={problemsUnder('spec', problemsOf(check.error))}
        onChange={draft.set}
      />
      {check.isError && <ErrorCard error={check.error} title="The configuration is not complete" />}
      <WizardFoot
        onBack={() => onBack(1)}
        next="Continue"
        loading={check.isPending}
        note={checked && !ready ? 'Correct what is marked to continue.' : undefined}
        onNext={goOn}
      />
    </>
  )
}

interface FinishProps {
  name: string
  spec: SyncSpec
  onSchedule: (schedule: SyncSpec['schedule']) => void
  problem: string | undefined
  onBack: () => void
  onSaved: () => void
}

function Finish({ name: proposed, spec, onSchedule, problem, onBack, onSaved }: FinishProps) {
  const client = useQueryClient()
  const navigate = route.useNavigate()
  const [name, setName] = useState(proposed)
  const save = useMutation({
    mutationFn: (_run: boolean) => createDocument('syncs', { metadata: { name: name.trim() }, spec }),
    onSuccess: async (sync, run) => {
      onSaved()
      await Promise.all([client.invalidateQueries({ queryKey: ['syncs'] }), client.invalidateQueries({ queryKey: ['models'] })])
      saidDone(`${sync.metadata.name} is saved.`)
      saidWarnings('Saved, but not checked', sync.warnings)
      await start(sync.metadata.slug, run)
    },
  })
  const start = async (slug: string, run: boolean) => {
    if (run) {
      try {
        const { id } = await triggerSync(slug)
        await navigate({ to: '/syncs/$slug/runs/$runId', params: { slug, runId: String(id) } })
        return
      } catch (error) {
        saidFailed('The sync is saved, but it did not start', error)
      }
    }
    await navigate({ to: '/syncs/$slug', params: { slug } })
  }
  const disabled = problem !== undefined || name.trim() === ''
  return (
    <>
      <Card title="Name">
        <TextInput aria-label="Name" maw={480} value={name} onChange={(event) => setName(event.currentTarget.value)} />
      </Card>
      <Card title="Schedule">
        <ScheduleEditor value={spec.schedule} onChange={onSchedule} />
      </Card>
      {save.isError && <ErrorCard error={save.error} title="The sync was not saved" />}
      <WizardFoot
        onBack={onBack}
        extra={
          <Button variant="default" disabled={disabled} loading={save.isPending && !save.variables} onClick={() => save.mutate(false)}>
            Finish
          </Button>
        }
        next="Finish and run"
        disabled={disabled}
        loading={save.isPending && save.variables}
        onNext={() => save.mutate(true)}
      />
    </>
  )
}
