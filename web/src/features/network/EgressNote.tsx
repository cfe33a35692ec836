import { useQuery } from '@tanstack/react-query'
import { CopyButton } from '~/components/feedback/CopyButton'
import { networkQuery } from '~/services/network'

/** The addresses that a firewall must let in; nothing where the operator has not said which they are. */
export function EgressNote({ unless = '' }: { /** A text that may name them already. */ unless?: string }) {
  const network = useQuery(networkQuery)
  const addresses = network.data?.egress ?? []
  if (addresses.length === 0 || unless.includes(addresses[0] ?? '')) return null
  return (
    <p className="muted small">
      This server connects from <code>{addresses.join(', ')}</code> <CopyButton value={addresses.join('\n')} label="Copy the addresses" />
    </p>
  )
}
