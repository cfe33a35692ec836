import { Button, NumberInput, Select, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { cleaned, problems as problemsIn } from '~/components/fields/fields'
import { FieldsForm } from '~/components/fields/FieldsForm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf, problemsUnder } from '~/components/feedback/errors'
import { Card } from '~/components/page/Card'
import { SettingsTest, useSettingsTest } from '~/features/connection/SettingsTest'
import { testChannel } from '~/services/alerts'
import type { AlertLevels, ChannelSpec, ChannelType } from '~/services/types'

export interface ChannelDraft {
  name: string
  spec: ChannelSpec
}

interface Props {
  info: ChannelType
  value: ChannelDraft
  /** Of a saved channel: its secrets fill in. */
  slug?: string
  saving: boolean
  saved: boolean
  error: unknown
  onSave: (draft: ChannelDraft) => void
}

const words = {
  failed: 'The test notice was not sent',
  passed: 'The test notice was sent. See whether it arrived.',
  before: 'Sends a real notice by these settings.',
  action: 'Send test notice',
  again: 'Send again',
}

/** The settings of an alert channel, with a test that really sends. */
export function ChannelForm({ info, value, slug, saving, saved, error, onSave }: Props) {
  const fields = info.fields ?? []
  const [name, setName] = useState(value.name)
  const [spec, setSpec] = useState(value.spec)
  const [checked, setChecked] = useState(false)
  const configuration = cleaned(fields, spec.configuration ?? {})
  const test = useSettingsTest(testChannel, { type: info.slug, configuration, slug })
  const found = problemsIn(fields, spec.configuration ?? {})
  const valid = name.trim() !== '' && Object.keys(found).length === 0
  const dirty = name !== value.name || JSON.stringify(spec) !== JSON.stringify(value.spec)
  useUnsavedGuard(dirty && !saving && !saved)
  const refused = [...problemsOf(test.error), ...problemsOf(error)]
  const save = () => {
    setChecked(true)
    if (valid) onSave({ name: name.trim(), spec: { ...spec, configuration } })
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
            description="How people find this channel."
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
        </div>
      </Card>
      <Card title="What it hears of">
        <div className="row wrap" style={{ alignItems: 'flex-start', gap: 20 }}>
          <Select
            label="Levels"
            description="Where a recipient does not say."
            w={240}
            allowDeselect={false}
            data={[
              { value: 'all', label: 'Critical and warning' },
              { value: 'critical', label: 'Critical only' },
            ]}
            value={spec.levels ?? 'all'}
            onChange={(levels) => setSpec({ ...spec, levels: (levels ?? 'all') satisfies AlertLevels })}
          />
          <NumberInput
            label="Repeat"
            description="While an alert lasts. Empty means once."
            w={240}
            placeholder="Never"
            prefix="every "
            suffix=" minutes"
            min={5}
            allowDecimal={false}
            allowNegative={false}
            hideControls
            value={spec.repeatMinutes || ''}
            error={problemsUnder('spec', refused).repeatMinutes}
            onChange={(next) => setSpec({ ...spec, repeatMinutes: next === '' ? undefined : Number(next) })}
          />
        </div>
      </Card>
      <SettingsTest test={test} onTest={runTest} words={words} />
      {error !== null && <ErrorCard error={error} title="The channel was not saved" />}
      <div className="row">
        <Button loading={saving} onClick={save}>
          Save
        </Button>
      </div>
    </>
  )
}
