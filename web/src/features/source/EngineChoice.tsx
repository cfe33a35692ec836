import { Alert, Radio } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { CodeBlock } from '~/components/code/CodeBlock'
import { CopyButton } from '~/components/feedback/CopyButton'
import { Card } from '~/components/page/Card'
import type { Settings } from '~/services/types'
import { engineNames, grantsFor, type Engine } from './engine'

interface Props {
  /** The source's type, as the catalogue has it. */
  info: { name: string; grants?: string }
  settings: Settings
  value: Engine
  /** The engine that is saved; nothing for a new source. */
  saved?: Engine
  onChange: (engine: Engine) => void
}

/** Where rows are compared, and what each place needs (S-06, SY-47). */
export function EngineChoice({ info, settings, value, saved, onChange }: Props) {
  const fixed = saved === 'lightning'
  return (
    <Card title="Sync engine">
      <div className="stack">
        <Radio.Group
          aria-label="Sync engine"
          value={value}
          onChange={(next) => onChange(next === 'lightning' ? 'lightning' : 'basic')}
        >
          <div className="stack">
            <Radio
              value="basic"
              disabled={fixed}
              label={engineNames.basic}
              description={`Every run reads the whole model, and Millrace compares the rows on its own machine. ${info.name} is only read.`}
            />
            <Radio
              value="lightning"
              label={engineNames.lightning}
              description={`${info.name} compares the rows itself, and only the difference leaves it: the choice for models of more than 100,000 rows. Millrace keeps what was synced in two schemas of its own, which it must be able to write in.`}
            />
          </div>
        </Radio.Group>
        {fixed && <p className="muted small">A source that uses the Lightning engine stays with it: what was synced is known to the warehouse alone.</p>}
        {value === 'lightning' && <Needs sql={grantsFor(info, settings)} saved={saved} />}
      </div>
    </Card>
  )
}

function Needs({ sql, saved }: { sql: string; saved?: Engine }) {
  return (
    <>
      {sql !== '' && (
        <div>
          <div className="row">
            <span className="small">An administrator of the source runs this once:</span>
            <CopyButton value={sql} label="Copy the grants" />
          </div>
          <CodeBlock label="Grants" text={sql} />
        </div>
      )}
      {saved !== 'lightning' && (
        <Alert icon={<IconAlertTriangle size={16} />} title="There is no way back">
          {saved === 'basic'
            ? 'Once this is saved, the source cannot return to the Basic engine. The next run of each sync copies what was synced before into the warehouse and takes longer; nothing is sent again.'
            : 'Once this is saved, the source cannot change to the Basic engine. The way from Basic to Lightning stays open.'}
        </Alert>
      )}
    </>
  )
}
