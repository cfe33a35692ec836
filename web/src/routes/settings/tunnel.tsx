import { Button } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone } from '~/components/feedback/toast'
import { plural } from '~/components/format/format'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { Facts } from '~/components/page/Facts'
import { SectionHead } from '~/components/page/SectionHead'
import { StatusBadge } from '~/components/status/StatusBadge'
import { useRemove } from '~/features/document/useRemove'
import { EgressNote } from '~/features/network/EgressNote'
import { TunnelForm } from '~/features/network/TunnelForm'
import { TunnelKeys } from '~/features/network/TunnelKeys'
import { tunnelStates, wayOf } from '~/features/network/words'
import { NotFoundPage } from '~/routes/not-found'
import { ApiError } from '~/services/http'
import { deleteTunnel, testTunnel, tunnelQuery, updateTunnel } from '~/services/network'
import type { Tunnel } from '~/services/types'

const route = getRouteApi('/app/settings/tunnels/$slug')

/** One tunnel: how it stands, its keys, its settings. */
export default function TunnelSettings() {
  const { slug } = route.useParams()
  const tunnel = useQuery(tunnelQuery(slug))
  if (tunnel.data !== undefined) return <Detail tunnel={tunnel.data} />
  if (tunnel.error instanceof ApiError && tunnel.error.status === 404) return <NotFoundPage />
  return <Card title={slug}>{tunnel.isError ? <ErrorCard error={tunnel.error} onRetry={() => void tunnel.refetch()} /> : <LoadingRows />}</Card>
}

function Detail({ tunnel }: { tunnel: Tunnel }) {
  const { metadata, spec } = tunnel
  const navigate = route.useNavigate()
  const [editing, setEditing] = useState(false)
  const remove = useRemove({
    noun: 'tunnel',
    queryKey: 'tunnels',
    remove: deleteTunnel,
    consequences: () => 'Its keys are erased, and connections through it end. This cannot be undone.',
    onGone: () => void navigate({ to: '/settings/tunnels' }),
  })
  return (
    <>
      <SectionHead
        back={{ label: 'Tunnels', to: '/settings/tunnels' }}
        title={metadata.name}
        actions={
          <>
            <Button size="xs" variant="default" onClick={() => setEditing(!editing)}>
              {editing ? 'Close settings' : 'Edit'}
            </Button>
            <Button size="xs" variant="default" onClick={() => void remove(tunnel)}>
              Delete
            </Button>
          </>
        }
      />
      <Standing tunnel={tunnel} />
      {editing && (
        <TunnelForm
          key={metadata.revision}
          title="Settings"
          name={metadata.name}
          spec={spec}
          submit="Save"
          save={(name, next) =>
            updateTunnel(metadata.slug, { metadata: { name, labels: metadata.labels, folder: metadata.folder, revision: metadata.revision }, spec: next })
          }
          onSaved={() => {
            saidDone('The tunnel is saved.')
            setEditing(false)
          }}
        />
      )}
      <TunnelKeys tunnel={tunnel} />
    </>
  )
}

/** How the tunnel stands, as of now. */
function Standing({ tunnel }: { tunnel: Tunnel }) {
  const { metadata, status, spec } = tunnel
  const client = useQueryClient()
  const test = useMutation({
    mutationFn: async () => {
      const result = await testTunnel(metadata.slug)
      if (!result.ok) throw new ApiError(422, result.error ?? { message: 'The test failed without a reason.' })
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['tunnels'] }),
  })
  return (
    <Card
      title="Status"
      actions={
        <Button size="xs" variant="default" loading={test.isPending} onClick={() => test.mutate()}>
          Test
        </Button>
      }
    >
      <div className="stack">
        <Facts
          facts={[
            {
              label: 'Status',
              value: (
                <span role="status">
                  <StatusBadge {...tunnelStates[status.state]} />{' '}
                  {status.changedAt !== null && (
                    <span className="muted small">
                      <TimeAgo at={status.changedAt} />
                    </span>
                  )}
                </span>
              ),
            },
            { label: spec.type === 'reverse' ? 'Client' : 'Way', value: wayOf(tunnel) },
            { label: 'Used by', value: plural(status.useCount, 'source or destination', 'sources and destinations') },
          ]}
        />
        {status.error !== null && <ErrorCard error={new ApiError(422, status.error)} />}
        {test.isError && <ErrorCard error={test.error} title="The test failed" />}
        {test.isSuccess && <p role="status">The tunnel works.</p>}
        {spec.type === 'standard' && <EgressNote unless={status.error?.suggestion} />}
      </div>
    </Card>
  )
}
