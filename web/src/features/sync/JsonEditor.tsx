import { Button } from '@mantine/core'
import { useState } from 'react'
import { CodeEditor } from '~/components/code/CodeEditor'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { Card } from '~/components/page/Card'
import type { Sync } from '~/services/types'
import { useSaveSync } from './ConfigurationTab'
import { parseSpec } from './json'

/** Edits a sync's configuration as JSON, to change much at once or to copy it from another sync. */
export function JsonEditor({ sync, onDone }: { sync: Sync; onDone: () => void }) {
  const [before] = useState(() => JSON.stringify(sync.spec, null, 2))
  const [text, setText] = useState(before)
  const save = useSaveSync(sync, onDone)
  const parsed = parseSpec(text)
  useUnsavedGuard(text !== before && !save.isPending && !save.isSuccess)
  return (
    <div className="stack">
      <Card title="Configuration as JSON" flush>
        <CodeEditor label="Configuration as JSON" language="json" value={text} onChange={setText} minHeight={300} maxHeight={560} />
      </Card>
      {parsed.problem !== undefined && <ErrorCard error={new Error(parsed.problem)} title="This is not a configuration" />}
      {save.isError && <ErrorCard error={save.error} title="The sync was not saved" />}
      <div className="row">
        <Button
          disabled={parsed.spec === undefined || text === before}
          loading={save.isPending}
          onClick={() => parsed.spec !== undefined && save.mutate(parsed.spec)}
        >
          Save
        </Button>
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
      </div>
    </div>
  )
}
