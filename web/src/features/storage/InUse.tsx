import { Alert, Badge } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { Facts } from '~/components/page/Facts'
import { ApiError } from '~/services/http'
import { isMoving, storageQuery } from '~/services/storage'
import type { StorageOverview, StorageSwitch } from '~/services/types'
import { SwitchProgress } from './SwitchProgress'
import { keeping } from './words'

/** Where the workspace's objects are, and how far a move is. */
export function InUse() {
  const client = useQueryClient()
  const overview = useQuery(storageQuery)
  const state = overview.data?.switch?.state
  useEffect(() => {
    if (state === undefined) return
    void client.invalidateQueries({ queryKey: ['storage', 'syncs'] })
    void client.invalidateQueries({ queryKey: ['storages'] })
  }, [client, state])
  return (
    <Card title="In use" actions={overview.data?.current.locked ? <Badge>Locked</Badge> : undefined}>
      {overview.isPending && <LoadingRows rows={3} />}
      {overview.isError && <ErrorCard error={overview.error} onRetry={() => void overview.refetch()} />}
      {overview.data !== undefined && <Current overview={overview.data} />}
    </Card>
  )
}

function Current({ overview }: { overview: StorageOverview }) {
  const { current, history } = overview
  const sw = overview.switch
  return (
    <div className="stack">
      <Facts
        facts={[
          { label: 'Place', value: <strong>{current.label}</strong> },
          { label: 'Since', value: current.since === null ? 'The beginning' : <TimeAgo at={current.since} /> },
          { label: 'Kept there', value: keeping(current) },
          ...(history.length === 0 ? [] : [{ label: 'Before', value: history.map((place) => place.label).join('; ') }]),
        ]}
      />
      {current.locked && <Alert>Syncs have run on this storage, and the operator of this server has locked it. Ask the operator to move it by arrangement.</Alert>}
      {isMoving(sw) ? <SwitchProgress sw={sw} /> : <Outcome sw={sw} />}
    </div>
  )
}

/** Why the last switch did not come to its end. */
function Outcome({ sw }: { sw: StorageSwitch | null }) {
  if (sw === null || sw.state !== 'failed' || sw.error === null) return null
  return <ErrorCard error={new ApiError(422, sw.error)} title={`The switch to ${sw.to} failed; nothing has moved`} />
}
