import { Button, Switch, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { cleaned, problems as problemsIn } from '~/components/fields/fields'
import { FieldsForm } from '~/components/fields/FieldsForm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf, problemsUnder } from '~/components/feedback/errors'
import { Card } from '~/components/page/Card'
import { SettingsTest, useSettingsTest } from '~/features/connection/SettingsTest'
import { testMonitor } from '~/services/monitors'
import type { MonitorSpec, MonitorType } from '~/services/types'

export interface MonitorDraft {
  name: string
  spec: MonitorSpec
}

interface Props {
  info: MonitorType
  value: MonitorDraft
  /** Of a saved monitor: its secrets fill in. */
  slug?: string
  saving: boolean
  saved: boolean
  error: unknown
  onSave: (draft: MonitorDraft) => void
}

const words = {
  failed: 'The key was not accepted',
  passed: 'The key is accepted.',
  before: 'Asks about the key; nothing is sent.',
  action: 'Test key',
  again: 'Test again',
}

/** The settings of a monitor, with a test of its key (MON-01). */
export function MonitorForm({ info, value, slug, saving, saved, error, onSave }: Props) {
  const fields = info.fields ?? []
  const [name, setName] = useState(value.name)
  const [spec, setSpec] = useState(value.spec)
  const [checked, setChecked] = useState(false)
  const configuration = cleaned(fields, spec.configuration ?? {})
  const test = useSettingsTest(testMonitor, { type: info.slug, configuration, slug })
  const found = problemsIn(fields, spec.configuration ?? {})
  const dirty = name !== value.name || JSON.stringify(spec) !== JSON.stringify(value.spec)
  useUnsavedGuard(dirty && !saving && !saved)
  const refused = [...problemsOf(test.error), ...problemsOf(error)]
  const save = () => {
    setChecked(true)
    if (name.trim() !== '' && Object.keys(found).length === 0) onSave({ name: name.trim(), spec: { ...spec, configuration } })
  }
  const runTest = () => {
    setChecked(true)
    if (Object.keys(found).length === 0) test.run()
  }
  return (
    <>
      <Card title={info.name}>
        <div className="stack">
          <TextInput
            label="Name"
            description="How people find this monitor."
            withAsterisk
            value={name}
            error={checked && name.trim() === '' ? 'Enter a name.' : undefined}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <FieldsForm
            fields={fields}
            value={spec.configuration ?? {}}
            onChange={(next) => setSpec({ ...spec, configuration: next })}
            errors={{ ...problemsUnder('spec.configuration', refused), ...(checked ? found : {}) }}
          />
          <Switch
            label="Report runs"
            description="Every run that ends from now on, of all syncs of this workspace."
            checked={spec.disabled !== true}
            onChange={(event) => setSpec({ ...spec, disabled: event.currentTarget.checked ? undefined : true })}
          />
        </div>
      </Card>
      <SettingsTest test={test} onTest={runTest} words={words} />
      {error !== null && <ErrorCard error={error} title="The monitor was not saved" />}
      <div className="row">
        <Button loading={saving} onClick={save}>
          Save
        </Button>
      </div>
    </>
  )
}
