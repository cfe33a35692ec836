// Tunnels and credentials of the mock.
const key = (comment) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJjzFa6lMYBHBZ6hRzEOQ0pTVNXFVIkH5T1lUHCNs6oT millrace-${comment}`

const unreachable = (spec) => ({
  code: 'tunnel.unreachable',
  message: `the SSH host ${spec.sshHost}:${spec.sshPort ?? 22} cannot be reached: dial tcp: lookup ${spec.sshHost}: no such host`,
  suggestion: 'Check the SSH host and port, that an SSH server runs there, and that the firewall lets this server in. This server connects from 192.0.2.7.',
})

export function tunnelStatus(store, slug, spec) {
  const useCount = store.count('sources', (s) => s.spec.tunnel === slug) + store.count('destinations', (d) => d.spec.tunnel === slug)
  const kept = store.documents.tunnels.get(slug)
  if (spec.type === 'reverse') {
    const tunnelId = 'tunnel-mz4xq2v7k3hw5abc'
    return {
      state: 'pending', error: null, changedAt: new Date().toISOString(), useCount, keyIssued: kept?.issued === true, tunnelId, tunnelPort: 20417, server: 'tunnel.example.com:2222',
      command: `ssh -N -i ${tunnelId}.pem -p 2222 -R 0.0.0.0:20417:$SERVICE_HOST:$SERVICE_PORT -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 ${tunnelId}@tunnel.example.com`,
      hostKey: key('server'), hostKeyFingerprint: 'SHA256:uNiVztksCsDhcc0u9e8BrFqmk7kOcKDFyXvNU8e6RPY',
    }
  }
  const broken = /nowhere/.test(spec.sshHost)
  return {
    state: broken ? 'error' : 'connected', error: broken ? unreachable(spec) : null, changedAt: new Date(Date.now() - 3_600_000).toISOString(), useCount, keyIssued: true,
    publicKey: key(kept?.replaced ? 'new' : slug), nextPublicKey: kept?.next, fingerprint: 'SHA256:uNiVztksCsDhcc0u9e8BrFqmk7kOcKDFyXvNU8e6RPY',
    hostKey: broken ? undefined : key('bastion'), hostKeyFingerprint: broken ? undefined : 'SHA256:uNiVztksCsDhcc0u9e8BrFqmk7kOcKDFyXvNU8e6RPY',
  }
}

export function test(store, slug) {
  const { spec } = store.get('tunnels', slug)
  if (spec.type === 'reverse') {
    return { ok: false, durationMs: 3, error: { code: 'tunnel.not_connected', message: 'the reverse tunnel tunnel-mz4xq2v7k3hw5abc has no client connected', suggestion: "Start the tunnel's SSH client on your side; its command is on the tunnel's page." } }
  }
  return /nowhere/.test(spec.sshHost) ? { ok: false, error: unreachable(spec), durationMs: 5010 } : { ok: true, durationMs: 84 }
}

export function rotate(store, slug, { immediately }) {
  const kept = store.documents.tunnels.get(slug)
  kept.issued = true
  if (kept.spec.type === 'reverse') return { publicKey: key('new'), privateKey: '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA-shown-once\n-----END OPENSSH PRIVATE KEY-----\n' }
  if (immediately) Object.assign(kept, { replaced: true, next: undefined })
  else kept.next = key('next')
  return { publicKey: key('new') }
}

export function testCredential({ configuration }) {
  if (configuration.secretAccessKey !== 'wrong') return { ok: true, durationMs: 210 }
  const message = 'AWS does not accept the credential: api error SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided.'
  return { ok: false, error: { code: 'credential.refused', message, suggestion: 'Check the secret access key.' }, durationMs: 320 }
}
