import { Button, Checkbox, Modal } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { storageQuery, storageSyncsQuery, switchStorage } from '~/services/storage'
import type { StorageSync } from '~/services/types'
import classes from './Storage.module.css'

interface Props {
  /** The slug of a storage; empty: the server's own. */
  to: string
  name: string
  onClose: () => void
}

/** Names what a switch means before it begins (X-11, X-12, X-13). */
export function SwitchDialog({ to, name, onClose }: Props) {
  const client = useQueryClient()
  const syncs = useQuery(storageSyncsQuery)
  const overview = useQuery(storageQuery)
  const [abandon, setAbandon] = useState(false)
  const begin = useMutation({
    mutationFn: () => switchStorage(to, abandon),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['storage'] })
      onClose()
    },
  })
  return (
    <Modal opened onClose={onClose} size="lg" title={<strong>Move the workspace to {name}?</strong>}>
      <div className="stack">
        {syncs.isPending && <LoadingRows rows={4} />}
        {syncs.isError && <ErrorCard error={syncs.error} onRetry={() => void syncs.refetch()} />}
        {syncs.data !== undefined && overview.data !== undefined && <Consequences syncs={syncs.data} fromServer={overview.data.current.slug === undefined} />}
        <Checkbox
          label="The old storage is lost"
          description="Runs that cannot be settled without it are given up instead of waited for. Their syncs ask, too."
          checked={abandon}
          onChange={(event) => setAbandon(event.currentTarget.checked)}
        />
        {begin.isError && <ErrorCard error={begin.error} title="Nothing was moved" />}
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button color="red.8" disabled={!syncs.isSuccess} loading={begin.isPending} onClick={() => begin.mutate()}>
            Pause syncs and move
          </Button>
        </div>
      </div>
    </Modal>
  )
}

const namesShown = 8

function Consequences({ syncs, fromServer }: { syncs: StorageSync[]; fromServer: boolean }) {
  const moving = syncs.filter((sync) => sync.moves)
  const running = syncs.filter((sync) => sync.running).length
  const names = moving.slice(0, namesShown).map((sync) => sync.name)
  const more = moving.length - names.length
  return (
    <>
      <p>The new storage is tried first; where it does not work, nothing changes. Then:</p>
      <ul className={classes.consequences}>
        <li>All syncs of the workspace pause. {running === 0 ? 'No run is under way now.' : `${running === 1 ? 'One run' : `${running} runs`} under way will end first.`} What is triggered meanwhile runs afterwards.</li>
        {moving.length === 0 ? (
          <li>No sync keeps anything in the storage, so none has to begin anew.</li>
        ) : (
          <li>
            {moving.length === 1 ? 'One sync has' : `${moving.length} syncs have`} to begin anew: at its next run each stops and asks for a full resync or a CDC reset. Nothing is sent again by
            itself.
            <div className={classes.names}>
              {names.join(', ')}
              {more > 0 && ` and ${more} more`}
            </div>
          </li>
        )}
        <li>
          {fromServer
            ? 'The rows and requests of earlier runs can no longer be looked at; their numbers stay.'
            : 'The rows and requests of earlier runs can be looked at as long as the old storage is listed here and has them.'}
        </li>
        <li>{fromServer ? 'What the syncs keep in this server’s storage is deleted once they go on.' : 'What lies in the old bucket stays there. It is yours to delete.'}</li>
      </ul>
      <p className="muted small">Choose a quiet time: the full resyncs that follow load the warehouse and the destinations. Run a small sync afterwards and look at its rows.</p>
    </>
  )
}
