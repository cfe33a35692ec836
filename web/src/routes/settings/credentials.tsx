import { getRouteApi } from '@tanstack/react-router'
import { CredentialList } from '~/features/network/CredentialList'

const route = getRouteApi('/app/settings/credentials')

/** What lets this server in at providers of clouds. */
export default function CredentialsSettings() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <>
      <CredentialList search={search} onSearch={(next) => void navigate({ search: next, replace: true })} />
      <p className="muted small">Secrets are stored encrypted and are never shown again.</p>
    </>
  )
}
