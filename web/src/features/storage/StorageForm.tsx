import { Button, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { cleaned, problems as problemsIn } from '~/components/fields/fields'
import { FieldsForm } from '~/components/fields/FieldsForm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf, problemsUnder } from '~/components/feedback/errors'
import { Card } from '~/components/page/Card'
import { LinkButton } from '~/components/page/LinkButton'
import { ConnectionTest } from '~/features/connection/ConnectionTest'
import { useConnectionTest } from '~/features/connection/useConnectionTest'
import { testConnection } from '~/services/connections'
import type { Settings, Storage, StorageType } from '~/services/types'

export interface StorageDraft {
  name: string
  description: string
  configuration: Settings
}

interface Props {
  type: StorageType
  /** The one that is edited; nothing for a new one. */
  storage?: Storage
  title: string
  notice?: ReactNode
  save: (draft: StorageDraft) => Promise<Storage>
  onSaved: (storage: Storage) => void
}

/** The settings of a bucket, with a test that writes, lists, reads and deletes an object there. */
export function StorageForm({ type, storage, title, notice, save, onSaved }: Props) {
  const client = useQueryClient()
  const before: StorageDraft = { name: storage?.metadata.name ?? type.name, description: storage?.spec.description ?? '', configuration: storage?.spec.configuration ?? {} }
  const [name, setName] = useState(before.name)
  const [description, setDescription] = useState(before.description)
  const [settings, setSettings] = useState<Settings>(before.configuration)
  const [checked, setChecked] = useState(false)
  const configuration = cleaned(type.fields, settings)
  const test = useConnectionTest('storages', { type: type.slug, configuration, slug: storage?.metadata.slug })
  const keep = useMutation({
    mutationFn: async () => {
      const saved = await save({ name: name.trim(), description: description.trim(), configuration })
      // Once more as it is saved, so that the list shows the result.
      await testConnection('storages', saved.spec.type, saved.spec.configuration, { slug: saved.metadata.slug }).catch(() => undefined)
      return saved
    },
    onSuccess: async (saved) => {
      await client.invalidateQueries({ queryKey: ['storages'] })
      onSaved(saved)
    },
  })
  const changed = JSON.stringify({ name, description, configuration: settings }) !== JSON.stringify(before)
  useUnsavedGuard(changed && !keep.isPending && !keep.isSuccess)
  const found = problemsIn(type.fields, settings)
  const refused = test.state.kind === 'failed' ? problemsOf(test.state.error) : problemsOf(keep.error)
  const whenSound = (then: () => void) => {
    setChecked(true)
    if (Object.keys(found).length === 0) then()
  }
  const named = name.trim() !== ''
  return (
    <>
      <Card title={title}>
        <div className="stack">
          {notice}
          <TextInput label="Name" withAsterisk value={name} error={named ? undefined : 'Enter a name.'} onChange={(event) => setName(event.currentTarget.value)} />
          <FieldsForm
            fields={type.fields}
            value={settings}
            onChange={setSettings}
            errors={{ ...problemsUnder('spec.configuration', refused), ...(checked ? found : {}) }}
          />
          <Textarea label="Description" autosize minRows={1} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
        </div>
      </Card>
      <ConnectionTest state={test.state} onTest={() => whenSound(test.run)} primary />
      {keep.isError && <ErrorCard error={keep.error} title="The storage was not saved" />}
      <div className="row">
        <Button disabled={!named || test.state.kind !== 'passed'} loading={keep.isPending} onClick={() => whenSound(() => keep.mutate())}>
          Save
        </Button>
        <LinkButton variant="default" to="/settings/storage">
          Cancel
        </LinkButton>
        {test.state.kind !== 'passed' && <span className="muted small">Test the connection to save.</span>}
      </div>
    </>
  )
}
