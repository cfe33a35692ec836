import { Alert, Button, Modal } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useConfirm } from '~/components/confirm/confirm'
import { CopyButton } from '~/components/feedback/CopyButton'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import { Card } from '~/components/page/Card'
import { Facts } from '~/components/page/Facts'
import { forgetHostKey, rotateTunnel } from '~/services/network'
import type { Tunnel } from '~/services/types'
import classes from './Network.module.css'

/** Saves a text as a file of the person's. */
function download(name: string, text: string) {
  const link = document.createElement('a')
  link.href = `data:text/plain;charset=utf-8,${encodeURIComponent(text)}`
  link.download = name
  link.click()
}

/** A text to copy or to download. */
function Verbatim({ text, label, file }: { text: string; label: string; file?: string }) {
  return (
    <div className={classes.verbatim}>
      <code>{text}</code>
      <CopyButton value={text} label={`Copy ${label}`} />
      {file !== undefined && (
        <Button size="compact-xs" variant="default" leftSection={<IconDownload size={13} />} aria-label={`Download ${label}`} onClick={() => download(file, `${text.trimEnd()}\n`)}>
          Download
        </Button>
      )}
    </div>
  )
}

/** Makes a new key, after saying what becomes of the old one. A private key is shown once. */
function useRotate({ metadata, spec, status }: Tunnel) {
  const client = useQueryClient()
  const confirm = useConfirm()
  const [shown, setShown] = useState<string>()
  const rotate = useMutation({
    mutationFn: (immediately: boolean) => rotateTunnel(metadata.slug, immediately),
    onSuccess: async ({ privateKey }) => {
      await client.invalidateQueries({ queryKey: ['tunnels'] })
      if (privateKey !== undefined) setShown(privateKey)
      else saidDone('The new key is made.')
    },
    onError: (error) => saidFailed('No new key was made', error),
  })
  const where = spec.type === 'reverse' ? 'the client signs in with it' : 'it is in authorized_keys on the SSH host and this server signs in with it'
  const ask = async (immediately: boolean) => {
    const first = spec.type === 'reverse' && !status.keyIssued
    const yes =
      first ||
      (await confirm({
        title: immediately ? 'Replace the key at once?' : 'Make a new key?',
        body: immediately
          ? `The old key stops working now. ${String(status.useCount)} sources and destinations cannot be reached until ${where}.`
          : `The old key works until ${where}; then it stops working.`,
        confirm: immediately ? 'Replace key' : 'Make key',
        danger: immediately,
      }))
    if (yes) rotate.mutate(immediately)
  }
  return { ask, pending: rotate.isPending, shown, done: () => setShown(undefined) }
}

/** The keys of a tunnel, and what belongs where. */
export function TunnelKeys({ tunnel }: { tunnel: Tunnel }) {
  const { spec, status, metadata } = tunnel
  const rotate = useRotate(tunnel)
  const reverse = spec.type === 'reverse'
  return (
    <Card
      title="Keys"
      actions={
        <>
          <Button size="xs" variant="default" loading={rotate.pending} onClick={() => void rotate.ask(false)}>
            {reverse && !status.keyIssued ? 'Issue key' : 'Make a new key'}
          </Button>
          {status.keyIssued && (
            <Button size="xs" variant="default" onClick={() => void rotate.ask(true)}>
              Replace at once
            </Button>
          )}
        </>
      }
    >
      <div className="stack">
        {reverse ? <ReverseKeys tunnel={tunnel} /> : <StandardKeys tunnel={tunnel} />}
        <HostKey tunnel={tunnel} />
      </div>
      {rotate.shown !== undefined && (
        <Modal opened onClose={rotate.done} title={<strong>Keep the private key now</strong>} closeOnClickOutside={false} size="lg">
          <div className="stack">
            <Alert>This is the only time that it is shown: it is not stored. Put it on the machine that runs the client, readable by its user only (mode 0400).</Alert>
            <Verbatim text={rotate.shown} label="the private key" file={`${status.tunnelId ?? metadata.slug}.pem`} />
            <Button onClick={rotate.done}>Done</Button>
          </div>
        </Modal>
      )}
    </Card>
  )
}

function StandardKeys({ tunnel: { status, metadata, spec } }: { tunnel: Tunnel }) {
  return (
    <>
      <p>
        Put this line into <code>~/.ssh/authorized_keys</code> of the user <strong>{spec.sshUser === undefined || spec.sshUser === '' ? 'millrace' : spec.sshUser}</strong> on the SSH host. The folder needs mode 0700, the file 0644.
      </p>
      <Verbatim text={status.publicKey ?? ''} label="the public key" file={`${metadata.slug}.pub`} />
      {status.nextPublicKey !== undefined && status.nextPublicKey !== '' && (
        <>
          <p>The new key takes its place as soon as it works. Add this line as well:</p>
          <Verbatim text={status.nextPublicKey} label="the new public key" file={`${metadata.slug}-new.pub`} />
        </>
      )}
    </>
  )
}

function ReverseKeys({ tunnel: { status } }: { tunnel: Tunnel }) {
  if (status.command === undefined || status.command === '') {
    return <Alert color="yellow">This server does not accept clients of reverse tunnels yet. Its operator sets tunnel-listen and, where clients come from outside, tunnel-address.</Alert>
  }
  return (
    <>
      <p>Run this on a machine that reaches both the service and this server. Set SERVICE_HOST and SERVICE_PORT, and let something restart it, such as systemd or autossh.</p>
      <Verbatim text={status.command} label="the command" />
      <Facts
        facts={[
          { label: 'Tunnel ID', value: <code>{status.tunnelId}</code> },
          { label: 'Tunnel port', value: <code>{status.tunnelPort}</code> },
        ]}
      />
      {status.nextPublicKey !== undefined && status.nextPublicKey !== '' && <p className="muted small">A new key was issued; the old one works until a client signs in with the new one.</p>}
    </>
  )
}

function HostKey({ tunnel: { status, metadata, spec } }: { tunnel: Tunnel }) {
  const client = useQueryClient()
  const confirm = useConfirm()
  const forget = useMutation({
    mutationFn: () => forgetHostKey(metadata.slug),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['tunnels'] })
      saidDone('The host key is forgotten. The next one that the SSH host shows is kept.')
    },
    onError: (error) => saidFailed('The host key was not forgotten', error),
  })
  if (status.hostKey === undefined || status.hostKey === '') return <p className="muted small">The host key of the SSH host is kept with the first connection.</p>
  const ask = async () => {
    const yes = await confirm({
      title: 'Forget the host key?',
      body: 'Whoever answers at the SSH host with the next connection is trusted from then on. Do this only where you know why its key has changed.',
      confirm: 'Forget host key',
      danger: true,
    })
    if (yes) forget.mutate()
  }
  return (
    <>
      <p>
        {spec.type === 'reverse' ? 'This server’s host key, for known_hosts' : 'Host key of the SSH host'}: <code>{status.hostKeyFingerprint}</code>
      </p>
      <Verbatim text={status.hostKey} label="the host key" />
      {spec.type === 'standard' && (spec.hostKey ?? '') === '' && (
        <Button size="xs" variant="default" w="fit-content" loading={forget.isPending} onClick={() => void ask()}>
          Forget host key
        </Button>
      )}
    </>
  )
}
