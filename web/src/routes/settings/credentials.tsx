import { CredentialList } from '~/features/network/CredentialList'

/** What lets this server in at providers of clouds. */
export default function CredentialsSettings() {
  return (
    <>
      <CredentialList />
      <p className="muted small">Secrets are stored encrypted and are never shown again.</p>
    </>
  )
}
