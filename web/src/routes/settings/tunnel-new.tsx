import { IconArrowBigLeftLines, IconArrowBigRightLines } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { saidDone } from '~/components/feedback/toast'
import { Card } from '~/components/page/Card'
import { SectionHead } from '~/components/page/SectionHead'
import { ChoiceCard, ChoiceGrid } from '~/components/wizard/ChoiceCard'
import { EgressNote } from '~/features/network/EgressNote'
import { TunnelForm } from '~/features/network/TunnelForm'
import { createTunnel } from '~/services/network'

const route = getRouteApi('/app/settings/tunnels/new')

/** A new tunnel: who opens it, then where it goes. */
export default function NewTunnel() {
  const { type } = route.useSearch()
  const navigate = route.useNavigate()
  const choose = (next: 'standard' | 'reverse') => void navigate({ search: { type: next }, replace: type !== undefined })
  return (
    <>
      <SectionHead back={{ label: 'Tunnels', to: '/settings/tunnels' }} title="Add tunnel" />
      <Card title="Type">
        <ChoiceGrid label="Type">
          <ChoiceCard
            icon={<IconArrowBigRightLines size={26} stroke={1.5} aria-hidden />}
            title="Standard"
            text="This server signs in to a bastion of yours, which reaches the service."
            selected={type === 'standard'}
            onClick={() => choose('standard')}
          />
          <ChoiceCard
            icon={<IconArrowBigLeftLines size={26} stroke={1.5} aria-hidden />}
            title="Reverse"
            text="A client in your network signs in to this server and forwards a port: nothing of yours is open to the internet."
            selected={type === 'reverse'}
            onClick={() => choose('reverse')}
          />
        </ChoiceGrid>
      </Card>
      {(type === 'standard' || type === 'reverse') && (
        <TunnelForm
          key={type}
          title="Tunnel"
          name=""
          spec={{ type }}
          submit="Create"
          save={(name, spec) => createTunnel({ metadata: { name }, spec })}
          onSaved={({ metadata }) => {
            saidDone(type === 'standard' ? 'Now let its key in on the SSH host.' : 'Now issue its key and start the client.')
            void navigate({ to: '/settings/tunnels/$slug', params: { slug: metadata.slug } })
          }}
        />
      )}
      {type === 'standard' && <EgressNote />}
    </>
  )
}
