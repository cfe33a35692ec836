import { Button, NumberInput, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type ChangeEvent } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { Advanced } from '~/components/fields/Advanced'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf, problemsUnder } from '~/components/feedback/errors'
import { Card } from '~/components/page/Card'
import { LinkButton } from '~/components/page/LinkButton'
import type { Tunnel } from '~/services/types'

type Spec = Tunnel['spec']

interface Props {
  title: string
  name: string
  spec: Spec
  submit: string
  save: (name: string, spec: Spec) => Promise<Tunnel>
  onSaved: (tunnel: Tunnel) => void
}

/** The settings of a tunnel. A reverse one has a name only: its client says where it goes. */
export function TunnelForm({ title, name: before, spec: saved, submit, save, onSaved }: Props) {
  const client = useQueryClient()
  const [name, setName] = useState(before)
  const [spec, setSpec] = useState(saved)
  const keep = useMutation({
    mutationFn: () => save(name.trim(), spec),
    onSuccess: async (tunnel) => {
      await client.invalidateQueries({ queryKey: ['tunnels'] })
      onSaved(tunnel)
    },
  })
  useUnsavedGuard((name !== before || JSON.stringify(spec) !== JSON.stringify(saved)) && !keep.isPending && !keep.isSuccess)
  const errors = problemsUnder('spec', problemsOf(keep.error))
  const text = (field: 'sshHost' | 'sshUser' | 'hostKey' | 'serviceHost') => ({
    value: spec[field] ?? '',
    error: errors[field],
    spellCheck: false,
    onChange: (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => setSpec({ ...spec, [field]: event.currentTarget.value }),
  })
  const port = (field: 'sshPort' | 'servicePort') => ({
    value: spec[field] ?? '',
    error: errors[field],
    min: 1,
    max: 65535,
    hideControls: true,
    onChange: (next: string | number) => setSpec({ ...spec, [field]: next === '' ? undefined : Number(next) }),
  })
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        keep.mutate()
      }}
    >
      <Card title={title}>
        <div className="stack">
          <TextInput label="Name" withAsterisk value={name} onChange={(event) => setName(event.currentTarget.value)} />
          {spec.type === 'standard' && (
            <>
              <TextInput label="SSH host" withAsterisk description="The bastion that this server can reach." placeholder="bastion.example.com" {...text('sshHost')} />
              <NumberInput label="SSH port" placeholder="22" {...port('sshPort')} />
              <TextInput label="Service host" withAsterisk description="The database, by the name or address that the bastion knows it by." placeholder="db.internal" {...text('serviceHost')} />
              <NumberInput label="Service port" withAsterisk placeholder="5432" {...port('servicePort')} />
              <Advanced open={errors.sshUser !== undefined || errors.hostKey !== undefined}>
                <TextInput label="SSH user" placeholder="millrace" {...text('sshUser')} />
                <Textarea label="Host key" description="The bastion’s public host key. Empty: the first one that it shows is kept." placeholder="ssh-ed25519 AAAA…" autosize {...text('hostKey')} />
              </Advanced>
            </>
          )}
          <Textarea label="Description" autosize minRows={1} value={spec.description ?? ''} onChange={(event) => setSpec({ ...spec, description: event.currentTarget.value })} />
        </div>
      </Card>
      {keep.isError && <ErrorCard error={keep.error} title="The tunnel was not saved" />}
      <div className="row">
        <Button type="submit" disabled={name.trim() === ''} loading={keep.isPending}>
          {submit}
        </Button>
        <LinkButton variant="default" to="/settings/tunnels">
          Cancel
        </LinkButton>
      </div>
    </form>
  )
}
