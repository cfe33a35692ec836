import { getRouteApi } from '@tanstack/react-router'
import { EgressNote } from '~/features/network/EgressNote'
import { TunnelList } from '~/features/network/TunnelList'

const route = getRouteApi('/app/settings/tunnels')

/** The tunnels through which sources and destinations are reached, and the addresses of this server. */
export default function TunnelsSettings() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <>
      <TunnelList search={search} onSearch={(next) => void navigate({ search: next, replace: true })} />
      <EgressNote />
    </>
  )
}
