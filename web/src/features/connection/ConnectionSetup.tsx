import { Button, Textarea, TextInput } from '@mantine/core'
import { IconArrowLeft } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { problems as problemsIn, cleaned } from '~/components/fields/fields'
import { FieldsForm } from '~/components/fields/FieldsForm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf, problemsUnder } from '~/components/feedback/errors'
import { Card } from '~/components/page/Card'
import { Steps, WizardFoot } from '~/components/wizard/Wizard'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { EngineChoice } from '~/features/source/EngineChoice'
import type { Engine } from '~/features/source/engine'
import { TunnelSelect } from '~/features/network/TunnelSelect'
import type { Settings } from '~/services/types'
import { needsAuthorization, type Authorizable } from './authorize'
import { ConnectionTest } from './ConnectionTest'
import { useConnectionTest } from './useConnectionTest'
import { useConnectionOptions } from './useConnectionOptions'

export interface NewConnection {
  name: string
  description: string
  configuration: Settings
  engine?: Engine
  tunnel?: string
}

interface Props {
  kind: 'sources' | 'destinations'
  /** "source" or "destination". */
  noun: string
  info: { slug: string; name: string; summary: string; sample?: boolean; engines?: string[] | null; tunnels?: boolean; grants?: string } & Authorizable
  intro: ReactNode
  onBack: () => void
  create: (connection: NewConnection) => Promise<void>
}

/** Configure, test, finalize: the way to a new source or destination. Sample data goes straight to the end. */
export function ConnectionSetup({ kind, noun, info, intro, onBack, create }: Props) {
  const fields = info.fields ?? []
  const needsSetup = info.sample !== true
  const [step, setStep] = useState<'configure' | 'finalize'>(needsSetup ? 'configure' : 'finalize')
  const [settings, setSettings] = useState<Settings>({})
  const [checked, setChecked] = useState(false)
  const [saved, setSaved] = useState(false)
  const [engine, setEngine] = useState<Engine>('basic')
  const [tunnel, setTunnel] = useState('')
  const engines = info.engines ?? []
  const through = tunnel === '' ? undefined : tunnel
  const configuration = cleaned(fields, settings)
  const test = useConnectionTest(kind, { type: info.slug, configuration, engine: engine === 'lightning' ? engine : undefined, tunnel: through })
  const loadOptions = useConnectionOptions(kind, info.slug, fields, configuration, undefined, through)
  const later = needsAuthorization(info, settings)
  const save = useMutation({ mutationFn: create, onMutate: () => setSaved(true), onError: () => setSaved(false) })
  useUnsavedGuard(Object.keys(settings).length > 0 && !saved)
  const found = problemsIn(fields, settings)
  const refused = test.state.kind === 'failed' ? problemsOf(test.state.error) : problemsOf(save.error)
  const errors = { ...problemsUnder('spec.configuration', refused), ...(checked ? found : {}) }
  const runTest = () => {
    setChecked(true)
    if (Object.keys(found).length === 0) test.run()
  }
  const next = () => {
    setChecked(true)
    if (Object.keys(found).length === 0) setStep('finalize')
  }
  const steps = needsSetup ? [`Choose ${noun}`, 'Configure and test', 'Finalize'] : [`Choose ${noun}`, 'Finalize']
  return (
    <>
      <Steps steps={steps} current={step === 'configure' ? 1 : steps.length - 1} onStep={(i) => (i === 0 ? onBack() : setStep('configure'))} />
      {intro}
      {step === 'configure' ? (
        <>
          <Card title="Connection">
            <div className="stack">
              <FieldsForm fields={fields} value={settings} onChange={setSettings} errors={errors} loadOptions={loadOptions} />
              {info.tunnels === true && <TunnelSelect value={tunnel} onChange={setTunnel} />}
            </div>
          </Card>
          {engines.includes('lightning') && <EngineChoice info={info} settings={settings} value={engine} onChange={setEngine} />}
          <ConnectionTest state={test.state} onTest={runTest} primary />
          <WizardFoot
            onBack={onBack}
            next="Continue"
            disabled={test.state.kind !== 'passed' && !later}
            note={test.state.kind === 'passed' ? undefined : later ? 'Save first, then allow the access on its page.' : 'Test the connection to continue.'}
            onNext={next}
          />
        </>
      ) : (
        <Finalize
          noun={noun}
          info={info}
          error={save.error}
          saving={save.isPending}
          onBack={needsSetup ? () => setStep('configure') : onBack}
          onFinish={(final) => save.mutate({ ...final, configuration, engine: engines.length > 1 ? engine : undefined, tunnel: through })}
        />
      )}
    </>
  )
}

interface FinalizeProps {
  noun: string
  info: Props['info']
  error: unknown
  saving: boolean
  onBack: () => void
  onFinish: (final: { name: string; description: string }) => void
}

function Finalize({ noun, info, error, saving, onBack, onFinish }: FinalizeProps) {
  const [name, setName] = useState(info.name)
  const [description, setDescription] = useState('')
  const named = name.trim() !== ''
  return (
    <>
      <Card title={`Finalize ${noun}`}>
        <div className="stack">
          <TextInput
            label="Name"
            description={`How people find this ${noun}.`}
            withAsterisk
            value={name}
            error={named ? undefined : 'Enter a name.'}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Textarea label="Description" autosize minRows={2} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
        </div>
      </Card>
      {error !== null && <ErrorCard error={error} title={`The ${noun} was not saved`} />}
      <WizardFoot
        onBack={onBack}
        next="Finish"
        loading={saving}
        disabled={!named}
        onNext={() => onFinish({ name: name.trim(), description: description.trim() })}
      />
    </>
  )
}

/** Leads back to the catalogue where the kind in the address is unknown. */
export const UnknownType = ({ slug, onBack }: { slug: string; onBack: () => void }) => (
  <ErrorCard error={new Error(`There is no connector called “${slug}”.`)} title="Unknown connector">
    <Button variant="default" size="xs" w="fit-content" leftSection={<IconArrowLeft size={14} />} onClick={onBack}>
      Back to the catalogue
    </Button>
  </ErrorCard>
)
