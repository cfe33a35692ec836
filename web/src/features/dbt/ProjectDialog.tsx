import { Button, Modal, Select, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { cleaned, problems as problemsIn } from '~/components/fields/fields'
import { FieldsForm } from '~/components/fields/FieldsForm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf, problemsUnder } from '~/components/feedback/errors'
import { saidDone } from '~/components/feedback/toast'
import { TunnelSelect } from '~/features/network/TunnelSelect'
import { createDbtProject, dbtOriginsQuery, updateDbtProject } from '~/services/dbt'
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
  const [checked, setChecked] = useState(false)
  const origins = useQuery(dbtOriginsQuery)
  const origin = origins.data?.find(({ slug }) => slug === spec.origin)
  const fields = origin?.fields ?? []
  const found = problemsIn(fields, spec.configuration ?? {})
  const keep = useMutation({
    mutationFn: () => {
      const configuration = fields.length === 0 ? undefined : cleaned(fields, spec.configuration ?? {})
      return save(project, name.trim(), { ...spec, configuration, files: spec.files?.trim() || undefined })
    },
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
          setChecked(true)
          if (Object.keys(found).length === 0) keep.mutate()
        }}
      >
        <TextInput label="Name" withAsterisk value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Select
          label="Manifest"
          description={origin?.summary}
          withAsterisk
          allowDeselect={false}
          data={(origins.data ?? []).map(({ slug, name: label }) => ({ value: slug, label }))}
          value={spec.origin}
          onChange={(next) => {
            const chosen = origins.data?.find(({ slug }) => slug === next)
            if (chosen !== undefined) setSpec({ ...spec, origin: chosen.slug, configuration: undefined, tunnel: undefined })
          }}
        />
        <FieldsForm
          fields={fields}
          value={spec.configuration ?? {}}
          onChange={(configuration) => setSpec({ ...spec, configuration })}
          errors={{ ...problemsUnder('spec.configuration', problemsOf(keep.error)), ...(checked ? found : {}) }}
        />
        {origin?.tunnels === true && <TunnelSelect value={spec.tunnel ?? ''} onChange={(tunnel) => setSpec({ ...spec, tunnel: tunnel === '' ? undefined : tunnel })} />}
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
