import { Button, Checkbox, Modal, Radio } from '@mantine/core'
import { useState } from 'react'
import type { KeyChange } from '~/services/documents'
import type { Model } from '~/services/types'

interface Props {
  model: Model
  /** The column that becomes the key; undefined while there is nothing to ask. */
  next: string | undefined
  onCancel: () => void
  onConfirm: (change: KeyChange) => void
}

/** Asks what another primary key means for the rows that the model's syncs have sent (M-07, M-08). */
export function KeyChangeDialog({ model, next, onCancel, onConfirm }: Props) {
  const [resync, setResync] = useState<KeyChange['resync']>('full')
  const [defer, setDefer] = useState(false)
  const count = model.status?.syncCount ?? 0
  const syncs = count === 1 ? 'The sync of this model finds' : `The ${count} syncs of this model find`
  return (
    <Modal opened={next !== undefined} onClose={onCancel} title={<strong>Change the primary key?</strong>} size="md">
      <div className="stack">
        <div>
          {syncs} changes by {model.spec.primaryKey}. With {next} instead, earlier rows cannot be compared.
        </div>
        <Radio.Group label="Rows that were sent before" value={resync} onChange={(value) => setResync(value === 'skip' ? 'skip' : 'full')}>
          <div className="stack" style={{ marginTop: 8 }}>
            <Radio value="full" label="Send every row again" description="As on a first run. A destination that only inserts gets them twice." />
            <Radio
              value="skip"
              label="Send only what changes from now on"
              description="The rows as they are count as sent. What changed since the last run is never sent."
            />
          </div>
        </Radio.Group>
        <Checkbox
          checked={defer}
          onChange={(event) => setDefer(event.currentTarget.checked)}
          label="Leave that to each sync’s next run"
          description="Otherwise the syncs run as soon as the model is saved."
        />
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onCancel} data-autofocus>
            Cancel
          </Button>
          <Button color="red.8" onClick={() => onConfirm({ resync, defer })}>
            Change the key
          </Button>
        </div>
      </div>
    </Modal>
  )
}
