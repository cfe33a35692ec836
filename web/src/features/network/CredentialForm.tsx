import { Alert, Button, FileButton, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { cleaned, isStoredSecret, problems as problemsIn, textOf, withDefaults } from '~/components/fields/fields'
import { FieldsForm } from '~/components/fields/FieldsForm'
import { CopyButton } from '~/components/feedback/CopyButton'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf, problemsUnder } from '~/components/feedback/errors'
import { Card } from '~/components/page/Card'
import { Facts } from '~/components/page/Facts'
import { LinkButton } from '~/components/page/LinkButton'
import { ConnectionTest } from '~/features/connection/ConnectionTest'
import { useConnectionTest } from '~/features/connection/useConnectionTest'
import { testConnection } from '~/services/connections'
import { issueExternalId } from '~/services/network'
import type { Credential, CredentialType, Settings } from '~/services/types'
import classes from './Network.module.css'
import { serviceAccountOf } from './words'

export interface CredentialDraft {
  name: string
  description: string
  configuration: Settings
}

interface Props {
  type: CredentialType
  /** The one that is edited; nothing for a new one. */
  credential?: Credential
  save: (draft: CredentialDraft) => Promise<Credential>
  onSaved: (credential: Credential) => void
}

/** What is shown to a provider, with a test that asks it. */
export function CredentialForm({ type, credential, save, onSaved }: Props) {
  const client = useQueryClient()
  const before: CredentialDraft = {
    name: credential?.metadata.name ?? type.name,
    description: credential?.spec.description ?? '',
    configuration: credential?.spec.configuration ?? {},
  }
  const [name, setName] = useState(before.name)
  const [description, setDescription] = useState(before.description)
  const [settings, setSettings] = useState<Settings>(before.configuration)
  const [checked, setChecked] = useState(false)
  const configuration = cleaned(type.fields, settings)
  const test = useConnectionTest('credentials', { type: type.slug, configuration, slug: credential?.metadata.slug })
  const keep = useMutation({
    mutationFn: async () => {
      const saved = await save({ name: name.trim(), description: description.trim(), configuration })
      await testConnection('credentials', saved.spec.type, saved.spec.configuration, { slug: saved.metadata.slug }).catch(() => undefined)
      return saved
    },
    onSuccess: async (saved) => {
      await client.invalidateQueries({ queryKey: ['credentials'] })
      onSaved(saved)
    },
  })
  useUnsavedGuard(JSON.stringify({ name, description, configuration: settings }) !== JSON.stringify(before) && !keep.isPending && !keep.isSuccess)
  const found = problemsIn(type.fields, settings)
  const refused = test.state.kind === 'failed' ? problemsOf(test.state.error) : problemsOf(keep.error)
  const whenSound = (then: () => void) => {
    setChecked(true)
    if (Object.keys(found).length === 0) then()
  }
  const named = name.trim() !== ''
  return (
    <>
      <Card title={type.name}>
        <div className="stack">
          <TextInput label="Name" withAsterisk value={name} error={named ? undefined : 'Enter a name.'} onChange={(event) => setName(event.currentTarget.value)} />
          <Help type={type} settings={settings} onChange={setSettings} />
          <FieldsForm fields={type.fields} value={settings} onChange={setSettings} errors={{ ...problemsUnder('spec.configuration', refused), ...(checked ? found : {}) }} />
          <Textarea label="Description" autosize minRows={1} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
        </div>
      </Card>
      <ConnectionTest state={test.state} onTest={() => whenSound(test.run)} primary />
      {keep.isError && <ErrorCard error={keep.error} title="The credential was not saved" />}
      <div className="row">
        <Button disabled={!named || test.state.kind !== 'passed'} loading={keep.isPending} onClick={() => whenSound(() => keep.mutate())}>
          Save
        </Button>
        <LinkButton variant="default" to="/settings/credentials">
          Cancel
        </LinkButton>
        {test.state.kind !== 'passed' && <span className="muted small">Test the credential to save.</span>}
      </div>
    </>
  )
}

interface HelpProps {
  type: CredentialType
  settings: Settings
  onChange: (settings: Settings) => void
}

/** What a person does at the provider, and what the server adds to it. */
function Help({ type, settings, onChange }: HelpProps) {
  const { auth } = withDefaults(type.fields, settings)
  if (type.slug === 'aws' && auth === 'role') return <RoleHelp type={type} settings={settings} onChange={onChange} />
  if (type.slug === 'gcp' && auth === 'key') return <KeyFile settings={settings} onChange={onChange} />
  return null
}

/** Issues the external ID of a role, which is shown once. */
function RoleHelp({ type, settings, onChange }: HelpProps) {
  const issue = useMutation({ mutationFn: issueExternalId, onSuccess: (externalId) => onChange({ ...settings, externalId }) })
  return (
    <div className="stack">
      <p className="muted small">
        Make a role in your account whose trust policy names the account <code>{type.account}</code> and asks for an external ID.
      </p>
      {issue.isSuccess ? (
        <>
          <Alert>This is the only time that the external ID is shown. Put it into the trust policy now.</Alert>
          <div className={classes.verbatim}>
            <code data-testid="external-id">{issue.data}</code>
            <CopyButton value={issue.data} label="Copy the external ID" />
          </div>
        </>
      ) : (
        <Button variant="default" size="xs" w="fit-content" loading={issue.isPending} onClick={() => issue.mutate()}>
          Issue an external ID
        </Button>
      )}
      {issue.isError && <ErrorCard error={issue.error} title="No external ID was issued" />}
    </div>
  )
}

/** Takes the file of a service account's key, and shows whose it is before it is saved. */
function KeyFile({ settings, onChange }: Omit<HelpProps, 'type'>) {
  const text = isStoredSecret(settings.serviceAccountKey) ? '' : textOf(settings.serviceAccountKey)
  const account = text === '' ? undefined : serviceAccountOf(text)
  const take = (file: File | null) => {
    void file?.text().then((serviceAccountKey) => onChange({ ...settings, serviceAccountKey }))
  }
  return (
    <div className="stack">
      <FileButton accept="application/json,.json,.p12" onChange={take}>
        {(props) => (
          <Button variant="default" size="xs" w="fit-content" {...props}>
            Choose the key’s file
          </Button>
        )}
      </FileButton>
      {typeof account === 'string' && <Alert color="red">{account}</Alert>}
      {typeof account === 'object' && (
        <Facts
          facts={[
            { label: 'Client email', value: account.clientEmail },
            { label: 'Client ID', value: account.clientId },
          ]}
        />
      )}
    </div>
  )
}
