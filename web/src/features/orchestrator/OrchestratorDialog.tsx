import { Button, Modal, Select, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { cleaned, problems as problemsIn } from '~/components/fields/fields'
import { FieldsForm } from '~/components/fields/FieldsForm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf, problemsUnder } from '~/components/feedback/errors'
import { saidDone } from '~/components/feedback/toast'
import { connectOrchestrator, createOrchestrator, orchestratorTypesQuery, updateOrchestrator } from '~/services/orchestrators'
import type { Orchestrator } from '~/services/types'

interface Props {
  /** The one that is changed; none makes another. */
  orchestrator: Orchestrator | undefined
  onClose: () => void
}

type Spec = Orchestrator['spec']

/** Makes or changes a connection to dbt Cloud or Fivetran, and connects it: a key that is not accepted is told at once. */
export function OrchestratorDialog({ orchestrator, onClose }: Props) {
  const client = useQueryClient()
  const [saved, setSaved] = useState(orchestrator)
  const [name, setName] = useState(orchestrator?.metadata.name ?? '')
  const [spec, setSpec] = useState<Spec>(orchestrator?.spec ?? { type: 'dbtCloud', configuration: {} })
  const [checked, setChecked] = useState(false)
  const types = useQuery(orchestratorTypesQuery)
  const info = types.data?.find(({ slug }) => slug === spec.type)
  const fields = info?.fields ?? []
  const found = problemsIn(fields, spec.configuration ?? {})
  const keep = useMutation({
    mutationFn: async () => {
      const next = { ...spec, configuration: cleaned(fields, spec.configuration ?? {}) }
      const document = await (saved === undefined
        ? createOrchestrator({ metadata: { name: name.trim() }, spec: next })
        : updateOrchestrator(saved.metadata.slug, {
            metadata: { name: name.trim(), labels: saved.metadata.labels ?? {}, folder: saved.metadata.folder, revision: saved.metadata.revision },
            spec: next,
          }))
      setSaved(document)
      await connectOrchestrator(document.metadata.slug)
    },
    onSuccess: () => {
      saidDone('Connected.')
      onClose()
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['orchestrators'] }),
  })
  return (
    <Modal opened onClose={onClose} title={<strong>{orchestrator === undefined ? 'Add an orchestrator' : 'Change the orchestrator'}</strong>}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          setChecked(true)
          if (Object.keys(found).length === 0) keep.mutate()
        }}
      >
        <Select
          label="Type"
          description={info?.summary}
          withAsterisk
          allowDeselect={false}
          disabled={saved !== undefined}
          data={(types.data ?? []).map(({ slug, name: label }) => ({ value: slug, label }))}
          value={spec.type}
          onChange={(next) => {
            const chosen = types.data?.find(({ slug }) => slug === next)
            if (chosen !== undefined) setSpec({ type: chosen.slug, configuration: {} })
          }}
        />
        <TextInput label="Name" withAsterisk value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <FieldsForm
          fields={fields}
          value={spec.configuration ?? {}}
          onChange={(configuration) => setSpec({ ...spec, configuration })}
          errors={{ ...problemsUnder('spec.configuration', problemsOf(keep.error)), ...(checked ? found : {}) }}
        />
        {keep.isError && <ErrorCard error={keep.error} title={saved === undefined ? 'Nothing was saved' : 'It is saved, and could not be connected'} />}
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={keep.isPending} disabled={name.trim() === ''}>
            Save and connect
          </Button>
        </div>
      </form>
    </Modal>
  )
}
