import { getRouteApi } from '@tanstack/react-router'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { plural } from '~/components/format/format'
import { Page } from '~/components/page/Page'
import { SequenceStateBadge } from '~/components/status/StatusBadge'
import { PageTabs } from '~/components/tabs/PageTabs'
import { ActivityTab } from '~/features/document/ActivityTab'
import { DocumentGate } from '~/features/document/DocumentGate'
import { Meta } from '~/features/document/Meta'
import { LineageTab } from '~/features/lineage/LineageTab'
import { ScheduleCard } from '~/features/document/ScheduleCard'
import { LastSkip, ScheduleFact } from '~/features/document/ScheduleFact'
import { skipSince } from '~/features/document/skip'
import { RunsTab } from '~/features/sequence/RunsTab'
import { SequenceActions } from '~/features/sequence/SequenceActions'
import { StepsTab, useSaveSequence } from '~/features/sequence/StepsTab'
import { ApiError } from '~/services/http'
import type { Sequence } from '~/services/types'

const route = getRouteApi('/app/sequences/$slug')

export default function SequencePage() {
  const { slug } = route.useParams()
  return (
    <DocumentGate key={slug} kind="sequences" slug={slug}>
      {(sequence) => <SequenceDetail sequence={sequence} />}
    </DocumentGate>
  )
}

function ScheduleTab({ sequence }: { sequence: Sequence }) {
  const { spec, status } = sequence
  const save = useSaveSequence(sequence, () => undefined)
  return (
    <ScheduleCard
      schedule={spec.schedule}
      disabled={spec.disabled}
      status={status}
      lastRunAt={status?.lastRun?.finishedAt ?? undefined}
      onSave={(schedule) => save.mutate({ ...spec, schedule })}
      saving={save.isPending}
      error={save.error}
    />
  )
}

/** One sequence: its runs, its steps, when it runs, who changed it. */
function SequenceDetail({ sequence }: { sequence: Sequence }) {
  const { metadata, spec, status } = sequence
  const { tab = 'runs' } = route.useSearch()
  const navigate = route.useNavigate()
  const failed = status?.state === 'failed' ? status.lastRun?.error : null
  const tabs = [
    { value: 'runs', label: 'Runs', content: () => <RunsTab slug={metadata.slug} /> },
    { value: 'steps', label: 'Steps', count: spec.steps.length, content: () => <StepsTab key={metadata.revision} sequence={sequence} /> },
    { value: 'schedule', label: 'Schedule', content: () => <ScheduleTab key={metadata.revision} sequence={sequence} /> },
    { value: 'lineage', label: 'Lineage', content: () => <LineageTab of={{ kind: 'sequence', slug: metadata.slug }} /> },
    { value: 'activity', label: 'Activity', content: () => <ActivityTab kind="sequences" slug={metadata.slug} /> },
  ]
  return (
    <Page
      title={metadata.name}
      aside={<SequenceStateBadge state={status?.state} />}
      crumbs={[{ label: 'Sequences', to: '/sequences' }]}
      meta={
        <>
          <span>{plural(spec.steps.length, 'sync')}</span>
          <ScheduleFact schedule={spec.schedule} disabled={spec.disabled} status={status} />
          <Meta metadata={metadata} idLabel="Sequence ID" />
        </>
      }
      actions={<SequenceActions sequence={sequence} />}
    >
      {spec.description && <p>{spec.description}</p>}
      <LastSkip skip={skipSince(status)} />
      {failed && <ErrorCard error={new ApiError(422, failed)} title="The last run failed" />}
      <PageTabs label="Sequence" tabs={tabs} value={tab} onChange={(next) => void navigate({ search: { tab: next }, replace: true })} />
    </Page>
  )
}
