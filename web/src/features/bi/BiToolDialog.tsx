import { Button, Modal, Select, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { cleaned, problems as problemsIn } from '~/components/fields/fields'
import { FieldsForm } from '~/components/fields/FieldsForm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf, problemsUnder } from '~/components/feedback/errors'
import { saidDone } from '~/components/feedback/toast'
import { TunnelSelect } from '~/features/network/TunnelSelect'
import { biToolTypesQuery, createBiTool, updateBiTool } from '~/services/bi'
import type { BiTool } from '~/services/types'

interface Props {
  /** The one that is changed; none makes another. */
  tool: BiTool | undefined
  onClose: () => void
}

type Spec = BiTool['spec']

/** Makes or changes a connection to a BI tool. */
export function BiToolDialog({ tool, onClose }: Props) {
  const client = useQueryClient()
  const [name, setName] = useState(tool?.metadata.name ?? '')
  const [spec, setSpec] = useState<Spec>(tool?.spec ?? { type: 'looker', configuration: {} })
  const [checked, setChecked] = useState(false)
  const types = useQuery(biToolTypesQuery)
  const info = types.data?.find(({ slug }) => slug === spec.type)
  const fields = info?.fields ?? []
  const found = problemsIn(fields, spec.configuration ?? {})
  const keep = useMutation({
    mutationFn: () => {
      const next = { ...spec, configuration: cleaned(fields, spec.configuration ?? {}) }
      if (tool === undefined) return createBiTool({ metadata: { name: name.trim() }, spec: next })
      const { labels, folder, revision, slug } = tool.metadata
      return updateBiTool(slug, { metadata: { name: name.trim(), labels: labels ?? {}, folder, revision }, spec: next })
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['bi-tools'] })
      saidDone('Saved.')
      onClose()
    },
  })
  return (
    <Modal opened onClose={onClose} title={<strong>{tool === undefined ? 'Add a BI tool' : 'Change the BI tool'}</strong>}>
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
          disabled={tool !== undefined}
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
        {info?.tunnels === true && <TunnelSelect value={spec.tunnel ?? ''} onChange={(tunnel) => setSpec({ ...spec, tunnel: tunnel === '' ? undefined : tunnel })} />}
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
