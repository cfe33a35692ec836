import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { tunnelsQuery } from '~/services/network'
import { tunnelStates } from './words'

interface Props {
  value: string
  onChange: (slug: string) => void
}

/** How a place is reached: directly, or through one of the workspace's tunnels. */
export function TunnelSelect({ value, onChange }: Props) {
  const tunnels = useQuery(tunnelsQuery)
  const data = (tunnels.data ?? []).map(({ metadata, status }) => ({ value: metadata.slug, label: `${metadata.name} (${tunnelStates[status.state].label.toLowerCase()})` }))
  if (value !== '' && !data.some((option) => option.value === value)) data.push({ value, label: value })
  return (
    <Select
      label="Tunnel"
      placeholder="None: connect directly"
      description={
        <>
          Through a tunnel, the host above is only a name, for the server’s certificate: connections end at the tunnel’s service.{' '}
          <Link to="/settings/tunnels">Manage tunnels</Link>
        </>
      }
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      data={data}
      value={value === '' ? null : value}
      clearable
      clearButtonProps={{ 'aria-label': 'Connect directly' }}
      error={tunnels.isError ? 'The tunnels could not be loaded.' : undefined}
      onChange={(next) => onChange(next ?? '')}
    />
  )
}
