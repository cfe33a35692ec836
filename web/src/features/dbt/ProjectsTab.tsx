import { Button, FileButton } from '@mantine/core'
import { IconPlus, IconRefresh, IconTableOptions, IconUpload } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import { Card } from '~/components/page/Card'
import { Facts } from '~/components/page/Facts'
import { useRemove } from '~/features/document/useRemove'
import { ApiError } from '~/services/http'
import { dbtProjectsQuery, deleteDbtProject, isUnderWay, loadDbtManifest, refreshDbtProject } from '~/services/dbt'
import type { DbtProject } from '~/services/types'
import { ProjectDialog } from './ProjectDialog'
import { manifestFacts } from './words'

/** The dbt projects that build in a source, and their manifests (DBT-01). */
export function ProjectsTab({ source }: { source: string }) {
  const query = useQuery(dbtProjectsQuery(source))
  const [editing, setEditing] = useState<DbtProject | 'new'>()
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setEditing('new')}>
      Add dbt project
    </Button>
  )
  return (
    <div className="stack">
      {query.isPending && <LoadingRows />}
      {query.isError && <ErrorCard error={query.error} title="The dbt projects could not be listed" onRetry={() => void query.refetch()} />}
      {query.data?.length === 0 && (
        <EmptyState icon={IconTableOptions} title="No dbt project" action={add}>
          With the manifest of a dbt project, its models and analyses become models here, with their descriptions.
        </EmptyState>
      )}
      {query.data?.map((project) => <Project key={project.metadata.slug} project={project} onEdit={() => setEditing(project)} />)}
      {(query.data?.length ?? 0) > 0 && <div className="row">{add}</div>}
      {editing !== undefined && <ProjectDialog source={source} project={editing === 'new' ? undefined : editing} onClose={() => setEditing(undefined)} />}
    </div>
  )
}

function Project({ project, onEdit }: { project: DbtProject; onEdit: () => void }) {
  const { metadata, spec, status } = project
  const client = useQueryClient()
  const remove = useRemove({
    noun: 'dbt project',
    queryKey: 'dbt-projects',
    remove: deleteDbtProject,
    consequences: () => 'What its manifest says is forgotten. A project that models read stays.',
  })
  const refresh = useMutation({
    mutationFn: (full: boolean) => refreshDbtProject(metadata.slug, full),
    onSuccess: () => client.invalidateQueries({ queryKey: ['dbt-projects'] }),
    onError: (error) => saidFailed(`${metadata.name} was not refreshed`, error),
  })
  const load = useMutation({
    mutationFn: (file: Blob) => loadDbtManifest(metadata.slug, file),
    onSuccess: async () => {
      await Promise.all([client.invalidateQueries({ queryKey: ['dbt-projects'] }), client.invalidateQueries({ queryKey: ['models'] })])
      saidDone(`The manifest of ${metadata.name} is loaded.`)
    },
  })
  return (
    <Card
      title={metadata.name}
      actions={
        <>
          <Button size="xs" variant="default" onClick={onEdit}>
            Edit
          </Button>
          <Button size="xs" variant="default" onClick={() => void remove(project)}>
            Delete
          </Button>
          {status.refresh !== null && (
            <>
              <Button size="xs" variant="default" disabled={isUnderWay(project)} onClick={() => refresh.mutate(true)}>
                Full resync
              </Button>
              <Button size="xs" leftSection={<IconRefresh size={14} />} loading={isUnderWay(project)} onClick={() => refresh.mutate(false)}>
                Refresh
              </Button>
            </>
          )}
          {status.refresh === null && (
            <FileButton accept="application/json,.json" onChange={(file) => file !== null && load.mutate(file)}>
              {(props) => (
                <Button {...props} size="xs" leftSection={<IconUpload size={14} />} loading={load.isPending}>
                  Load manifest
                </Button>
              )}
            </FileButton>
          )}
        </>
      }
    >
      <div className="stack">
        {spec.description && <p>{spec.description}</p>}
        {load.isError && <ErrorCard error={load.error} title="The manifest was not loaded" />}
        {status.refresh !== null && status.refresh.error !== null && <ErrorCard error={new ApiError(422, status.refresh.error)} title="The manifest could not be fetched" />}
        {status.manifest === null && status.refresh === null ? (
          <p className="muted">
            No manifest yet. Load target/manifest.json here, or at the end of the job that runs dbt: <code>millrace dbt load {metadata.slug} target/manifest.json</code>
          </p>
        ) : (
          <Facts facts={manifestFacts(status)} />
        )}
      </div>
    </Card>
  )
}

