import { Button, Modal, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf, problemsUnder } from '~/components/feedback/errors'
import { saidDone } from '~/components/feedback/toast'
import { createDbtProject, updateDbtProject } from '~/services/dbt'
import type { DbtProject, Draft } from '~/services/types'

type Spec = DbtProject['spec']

interface Props {
  source: string
  /** The one that is changed; none makes another. */
  project: DbtProject | undefined
  onClose: () => void
}

const save = (project: DbtProject | undefined, name: string, spec: Spec): Promise<DbtProject> => {
  if (project === undefined) return createDbtProject({ metadata: { name }, spec })
  const { labels, folder, revision, slug } = project.metadata
  const draft: Draft<Spec> = { metadata: { name, labels: labels ?? {}, folder, revision }, spec }
  return updateDbtProject(slug, draft)
}

/** Makes or changes a dbt project. */
export function ProjectDialog({ source, project, onClose }: Props) {
  const client = useQueryClient()
  const [name, setName] = useState(project?.metadata.name ?? '')
  const [spec, setSpec] = useState<Spec>(project?.spec ?? { source, origin: 'manifest' })
  const keep = useMutation({
    mutationFn: () => save(project, name.trim(), { ...spec, files: spec.files?.trim() || undefined }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['dbt-projects'] })
      saidDone('Saved.')
      onClose()
    },
  })
  const errors = problemsUnder('spec', problemsOf(keep.error))
  return (
    <Modal opened onClose={onClose} title={<strong>{project === undefined ? 'Add a dbt project' : 'Change the dbt project'}</strong>}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          keep.mutate()
        }}
      >
        <TextInput label="Name" withAsterisk value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <TextInput
          label="Address of its files"
          description="Where people see the files of the project’s folder. Models link to theirs."
          placeholder="https://github.com/acme/shop/blob/main"
          error={errors.files}
          value={spec.files ?? ''}
          onChange={(event) => setSpec({ ...spec, files: event.currentTarget.value })}
        />
        <Textarea label="Description" rows={2} value={spec.description ?? ''} onChange={(event) => setSpec({ ...spec, description: event.currentTarget.value })} />
        {keep.isError && <ErrorCard error={keep.error} title="Nothing was saved" />}
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={keep.isPending} disabled={name.trim() === ''}>
            Save
          </Button>
        </div>
      </form>
    </Modal>
  )
}
