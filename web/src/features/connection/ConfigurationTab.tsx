import { Button } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { cleaned, problems as problemsIn } from '~/components/fields/fields'
import { FieldsForm } from '~/components/fields/FieldsForm'
import { SettingsView } from '~/components/fields/SettingsView'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf, problemsUnder } from '~/components/feedback/errors'
import { saidDone } from '~/components/feedback/toast'
import { Card } from '~/components/page/Card'
import { TunnelSelect } from '~/features/network/TunnelSelect'
import { EngineChoice } from '~/features/source/EngineChoice'
import { engineNames, engineOf, type Engine } from '~/features/source/engine'
import { destinationCatalogQuery, sourceCatalogQuery } from '~/services/catalog'
import { rememberTest } from '~/services/connections'
import { draftOf, updateDocument, type Documents } from '~/services/documents'
import type { Field, Settings } from '~/services/types'
import { AllowAccess } from './AllowAccess'
import { needsAuthorization } from './authorize'
import { ConnectionTest } from './ConnectionTest'
import { useConnectionTest } from './useConnectionTest'
import { useConnectionOptions } from './useConnectionOptions'

interface Props<K extends 'sources' | 'destinations'> {
  kind: K
  document: Documents[K]
  fields: Field[]
  sample: boolean
}

/** The settings of a connection: to read, to test, to edit. */
export function ConfigurationTab<K extends 'sources' | 'destinations'>({ kind, document, fields, sample }: Props<K>) {
  const [editing, setEditing] = useState(false)
  const configuration = document.spec.configuration ?? {}
  const engine = useEngine(kind, document)
  const test = useConnectionTest(kind, { type: document.spec.type, configuration, slug: document.metadata.slug, engine: engine.tested(engine.saved), tunnel: document.spec.tunnel })
  if (sample) {
    return (
      <Card title="Configuration">
        <p className="muted">Sample data is built in. There is nothing to configure and nothing to test.</p>
      </Card>
    )
  }
  if (editing) {
    return <EditConfiguration kind={kind} document={document} fields={fields} onDone={() => setEditing(false)} />
  }
  return (
    <div className="stack">
      <Card
        title="Configuration"
        actions={
          <Button variant="default" size="xs" onClick={() => setEditing(true)}>
            Edit
          </Button>
        }
      >
        <SettingsView fields={fields} value={configuration} />
        {document.spec.tunnel !== undefined && (
          <p className="muted small">
            Through the tunnel{' '}
            <Link to="/settings/tunnels/$slug" params={{ slug: document.spec.tunnel }}>
              {document.spec.tunnel}
            </Link>
          </p>
        )}
        {engine.info !== undefined && <p className="muted small">Sync engine: {engineNames[engine.saved]}</p>}
      </Card>
      <Access kind={kind} document={document} />
      <ConnectionTest state={test.state} onTest={test.run} />
    </div>
  )
}

/** The engine of a source that has a choice of engines: what is saved, and what the catalogue says of its type. */
function useEngine(kind: 'sources' | 'destinations', document: Documents['sources' | 'destinations']) {
  const catalog = useQuery({ ...sourceCatalogQuery, enabled: kind === 'sources' })
  const info = kind === 'sources' ? catalog.data?.find((entry) => entry.slug === document.spec.type) : undefined
  return {
    info: info?.engines?.includes('lightning') ? info : undefined,
    saved: engineOf('engine' in document.spec ? document.spec.engine : undefined),
    tested: (engine: Engine) => (engine === 'lightning' ? engine : undefined),
  }
}

/** What the catalogue says of the type of a connection. */
function useInfo(kind: 'sources' | 'destinations', type: string) {
  const sources = useQuery({ ...sourceCatalogQuery, enabled: kind === 'sources' })
  const destinations = useQuery({ ...destinationCatalogQuery, enabled: kind === 'destinations' })
  const all = kind === 'sources' ? sources.data : destinations.data
  return all?.find((entry) => entry.slug === type)
}

function Access({ kind, document }: { kind: 'sources' | 'destinations'; document: Documents['sources' | 'destinations'] }) {
  const info = useInfo(kind, document.spec.type)
  return needsAuthorization(info, document.spec.configuration ?? {}) ? <AllowAccess kind={kind} slug={document.metadata.slug} /> : null
}

interface EditProps<K extends 'sources' | 'destinations'> extends Omit<Props<K>, 'sample'> {
  onDone: () => void
}

function EditConfiguration<K extends 'sources' | 'destinations'>({ kind, document, fields, onDone }: EditProps<K>) {
  const client = useQueryClient()
  const slug = document.metadata.slug
  const before = document.spec.configuration ?? {}
  const [settings, setSettings] = useState<Settings>(before)
  const [checked, setChecked] = useState(false)
  const { info, saved, tested } = useEngine(kind, document)
  const [engine, setEngine] = useState(saved)
  const [tunnel, setTunnel] = useState(document.spec.tunnel ?? '')
  const through = tunnel === '' ? undefined : tunnel
  const configuration = cleaned(fields, settings)
  const test = useConnectionTest(kind, { type: document.spec.type, configuration, slug, engine: tested(engine), tunnel: through })
  const loadOptions = useConnectionOptions(kind, document.spec.type, fields, configuration, slug, through)
  const type = useInfo(kind, document.spec.type)
  const later = needsAuthorization(type, settings)
  const tunnels = type?.tunnels === true
  const save = useMutation({
    mutationFn: () => {
      const spec: Documents[K]['spec'] = { ...document.spec, configuration, tunnel: through, ...(info === undefined ? {} : { engine }) }
      return updateDocument(kind, slug, draftOf<K>(document, spec))
    },
    onSuccess: async (saved) => {
      await client.invalidateQueries({ queryKey: [kind] })
      void rememberTest(client, kind, saved)
      saidDone('The configuration is saved.')
      onDone()
    },
  })
  useUnsavedGuard((JSON.stringify(settings) !== JSON.stringify(before) || engine !== saved || tunnel !== (document.spec.tunnel ?? '')) && !save.isSuccess)
  const found = problemsIn(fields, settings)
  const refused = test.state.kind === 'failed' ? problemsOf(test.state.error) : problemsOf(save.error)
  const runTest = () => {
    setChecked(true)
    if (Object.keys(found).length === 0) test.run()
  }
  return (
    <div className="stack">
      <Card title="Edit configuration">
        <div className="stack">
          <FieldsForm
            loadOptions={loadOptions}
            fields={fields}
            value={settings}
            onChange={setSettings}
            errors={{ ...problemsUnder('spec.configuration', refused), ...(checked ? found : {}) }}
          />
          {tunnels && <TunnelSelect value={tunnel} onChange={setTunnel} />}
        </div>
      </Card>
      {info !== undefined && <EngineChoice info={info} settings={settings} value={engine} saved={saved} onChange={setEngine} />}
      <ConnectionTest state={test.state} onTest={runTest} primary />
      {save.isError && <ErrorCard error={save.error} title="The configuration was not saved" />}
      <div className="row">
        <Button disabled={test.state.kind !== 'passed' && !later} loading={save.isPending} onClick={() => save.mutate()}>
          Save
        </Button>
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
        {test.state.kind !== 'passed' && (
          <span className="muted small">{later ? 'Save, then allow the access.' : 'Test the connection to save.'}</span>
        )}
      </div>
    </div>
  )
}
