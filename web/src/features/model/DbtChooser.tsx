import { SegmentedControl, Select, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconDatabaseOff, IconTableOptions } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { CodeEditor } from '~/components/code/CodeEditor'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { Card } from '~/components/page/Card'
import { LinkButton } from '~/components/page/LinkButton'
import classes from '~/features/source/Tables.module.css'
import { ApiError } from '~/services/http'
import { dbtNodeQuery, dbtNodesQuery, dbtProjectsQuery, nodesShown } from '~/services/dbt'
import type { DbtNodeDetail, DbtRead, ModelDbt } from '~/services/types'
import { NodeFacts } from './NodeFacts'
import { readWords, wayOf } from './dbt'

interface Props {
  source: string
  dbt: ModelDbt
  onChange: (dbt: ModelDbt) => void
}

/** Chooses the model or analysis of a dbt project that a model reads, and how (DBT-03, DBT-04). */
export function DbtChooser({ source, dbt, onChange }: Props) {
  const query = useQuery(dbtProjectsQuery(source))
  const projects = query.data ?? []
  const only = projects.length === 1 ? projects[0]?.metadata.slug : undefined
  const project = dbt.project || (only ?? '')
  if (query.isPending) return <LoadingRows />
  if (query.isError) return <ErrorCard error={query.error} title="The dbt projects could not be listed" onRetry={() => void query.refetch()} />
  if (projects.length === 0) return <NoProject source={source} />
  return (
    <div className="stack">
      {(only === undefined || project !== only) && (
        <Select
          label="dbt project"
          withAsterisk
          maw={560}
          placeholder="Choose a project"
          data={projects.map(({ metadata }) => ({ value: metadata.slug, label: metadata.name }))}
          value={project === '' ? null : project}
          onChange={(next) => onChange({ project: next ?? '', node: '' })}
        />
      )}
      {project !== '' && <Nodes key={project} project={project} chosen={dbt.node} onChoose={(node) => onChange({ project, node })} />}
      {project !== '' && dbt.node !== '' && <Node project={project} dbt={dbt} onRead={(read) => onChange({ project, node: dbt.node, read })} />}
    </div>
  )
}

function NoProject({ source }: { source: string }) {
  return (
    <EmptyState
      icon={IconDatabaseOff}
      title="No dbt project builds in this source"
      action={
        <LinkButton to="/sources/$slug" params={{ slug: source }} search={{ tab: 'dbt' }}>
          Add a dbt project
        </LinkButton>
      }
    >
      A project’s manifest.json says which models and analyses there are.
    </EmptyState>
  )
}

function Nodes({ project, chosen, onChoose }: { project: string; chosen: string; onChoose: (node: string) => void }) {
  const [search, setSearch] = useState('')
  const [wanted] = useDebouncedValue(search, 300)
  const query = useQuery(dbtNodesQuery(project, wanted.trim()))
  const nodes = query.data?.items ?? []
  return (
    <Card flush title="Models and analyses">
      <div className="card-body">
        <TextInput aria-label="Search the dbt project" placeholder="Search unique IDs" value={search} onChange={(event) => setSearch(event.currentTarget.value)} />
      </div>
      {query.isPending && <LoadingRows />}
      {query.isError && (
        <div className="card-body">
          <ErrorCard error={query.error} title="The models could not be listed" onRetry={() => void query.refetch()} />
        </div>
      )}
      {query.isSuccess && nodes.length === 0 && (
        <EmptyState icon={IconTableOptions} title={wanted === '' ? 'No model yet' : 'No model matches'}>
          {wanted === '' ? 'Load the manifest of the project.' : 'Search for another part of the name, the package or the kind.'}
        </EmptyState>
      )}
      {nodes.length > 0 && (
        <ul className={classes.list} aria-label="Models and analyses">
          {nodes.map(({ id, name, type, version, description }) => (
            <li key={id}>
              <button type="button" aria-pressed={id === chosen} onClick={() => onChoose(id)}>
                <IconTableOptions size={15} aria-hidden />
                <span className="truncate" title={id}>
                  {name}
                  {version === undefined ? '' : ` (version ${version})`}
                </span>
                <small className="muted truncate">{description ?? (type === 'analysis' ? 'Analysis' : '')}</small>
              </button>
            </li>
          ))}
        </ul>
      )}
      {(query.data?.total ?? 0) > nodesShown && <p className={classes.hint}>There are more: search for what you need.</p>}
    </Card>
  )
}

function Node({ project, dbt, onRead }: { project: string; dbt: ModelDbt; onRead: (read: DbtRead) => void }) {
  const query = useQuery(dbtNodeQuery(project, dbt.node))
  if (query.isPending) return <LoadingRows />
  if (query.isError) return <ErrorCard error={query.error} title={dbt.node} />
  return <Chosen node={query.data} read={dbt.read ?? query.data.read} onRead={onRead} />
}

function Chosen({ node, read, onRead }: { node: DbtNodeDetail; read: DbtRead; onRead: (read: DbtRead) => void }) {
  const way = wayOf(node, read)
  return (
    <Card title={node.name}>
      <div className="stack">
        <NodeFacts node={node} />
        <SegmentedControl
          aria-label="What is read"
          w="fit-content"
          data={node.ways.map(({ read: value }) => ({ value, label: readWords[value] }))}
          value={read}
          onChange={(next) => onRead(next === 'sql' ? 'sql' : 'table')}
        />
        {way !== undefined && way.error !== null && <ErrorCard error={new ApiError(422, way.error)} title="It cannot be read so" />}
        {way?.notes.map((note) => <p key={note}>{note}</p>)}
        {read === 'sql' && node.sql !== '' && <CodeEditor label="Compiled SQL" language="sql" value={node.sql} readOnly minHeight={80} maxHeight={320} />}
      </div>
    </Card>
  )
}
