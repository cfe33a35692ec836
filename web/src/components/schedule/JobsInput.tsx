import { MultiSelect, Select, TagsInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { jobsQuery, orchestratorsQuery } from '~/services/orchestrators'
import type { Schedule } from '~/services/types'
import { scheduleWords, typeOf } from './schedule'

interface Props {
  value: Schedule
  onChange: (value: Schedule) => void
}

/** Chooses the jobs after which something runs (DBT-07, ORC-01). */
export function JobsInput({ value, onChange }: Props) {
  const after = value.after ?? { orchestrator: '', jobs: [] }
  const vendor = scheduleWords[typeOf(value)]
  const query = useQuery(orchestratorsQuery)
  const fitting = (query.data ?? []).filter(({ spec }) => spec.type === value.type)
  return (
    <div className="stack">
      <Select
        label={`Connection to ${vendor}`}
        description={query.isSuccess && fitting.length === 0 ? 'There is none yet: add one in Settings, Orchestrators.' : undefined}
        withAsterisk
        maw={420}
        placeholder="Choose a connection"
        data={fitting.map(({ metadata }) => ({ value: metadata.slug, label: metadata.name }))}
        value={after.orchestrator === '' ? null : after.orchestrator}
        onChange={(next) => onChange({ ...value, after: { orchestrator: next ?? '', jobs: [] } })}
      />
      {query.isError && <ErrorCard error={query.error} title="The connections could not be listed" onRetry={() => void query.refetch()} />}
      {after.orchestrator !== '' && (
        <Jobs slug={after.orchestrator} jobs={after.jobs} onChange={(jobs) => onChange({ ...value, after: { ...after, jobs } })} />
      )}
    </div>
  )
}

const help = 'It runs when all of them have succeeded since it last did.'

function Jobs({ slug, jobs, onChange }: { slug: string; jobs: string[]; onChange: (jobs: string[]) => void }) {
  const query = useQuery(jobsQuery(slug))
  if (query.isError) {
    return (
      <>
        <ErrorCard error={query.error} title="The jobs could not be listed" onRetry={() => void query.refetch()} />
        <TagsInput label="Jobs" description={`Their IDs. ${help}`} withAsterisk maw={560} value={jobs} onChange={onChange} />
      </>
    )
  }
  const known = query.data ?? []
  const lost = jobs.filter((job) => !known.some(({ id }) => id === job))
  return (
    <MultiSelect
      label="Jobs"
      description={help}
      withAsterisk
      searchable
      maw={560}
      placeholder={query.isPending ? 'Loading…' : 'Choose jobs'}
      data={[...known.map(({ id, label }) => ({ value: id, label: `${label} (${id})` })), ...lost.map((id) => ({ value: id, label: id }))]}
      value={jobs}
      onChange={onChange}
    />
  )
}
