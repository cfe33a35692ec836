import { EgressNote } from '~/features/network/EgressNote'
import { TunnelList } from '~/features/network/TunnelList'

/** The tunnels through which sources and destinations are reached, and the addresses of this server. */
export default function TunnelsSettings() {
  return (
    <>
      <TunnelList />
      <EgressNote />
    </>
  )
}
