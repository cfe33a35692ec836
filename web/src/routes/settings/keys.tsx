import { ActionIcon, Alert, Button, Modal, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconKey, IconPlus, IconTrash } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useConfirm } from '~/components/confirm/confirm'
import { CopyButton } from '~/components/feedback/CopyButton'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { DataTable, type Column } from '~/components/table/DataTable'
import { createKey, deleteKey, keysQuery } from '~/services/keys'
import type { ApiKey } from '~/services/types'
import classes from './settings.module.css'

const columnsFor = (remove: (key: ApiKey) => void): Column<ApiKey>[] => [
  { id: 'name', header: 'Name', cell: (key) => <strong>{key.name}</strong> },
  { id: 'prefix', header: 'Begins with', width: 130, cell: (key) => <code>{key.prefix}…</code> },
  {
    id: 'created',
    header: 'Created',
    secondary: true,
    cell: (key) => (
      <>
        <TimeAgo at={key.createdAt} /> <span className="muted">by {key.createdBy}</span>
      </>
    ),
  },
  { id: 'used', header: 'Last used', width: 140, cell: (key) => <TimeAgo at={key.lastUsedAt} none="Never" /> },
  {
    id: 'delete',
    header: '',
    width: 50,
    cell: (key) => (
      <ActionIcon variant="subtle" color="gray" aria-label={`Delete the key ${key.name}`} onClick={() => remove(key)}>
        <IconTrash size={16} />
      </ActionIcon>
    ),
  },
]

/** The keys with which programs call the API. */
export default function KeysSettings() {
  const client = useQueryClient()
  const confirm = useConfirm()
  const keys = useQuery(keysQuery)
  const [adding, dialog] = useDisclosure(false)
  const remove = useMutation({
    mutationFn: (key: ApiKey) => deleteKey(key.id),
    onSuccess: async (_, key) => {
      await client.invalidateQueries({ queryKey: ['keys'] })
      saidDone(`The key ${key.name} is deleted.`)
    },
    onError: (error) => saidFailed('The key was not deleted', error),
  })
  const ask = async (key: ApiKey) => {
    const yes = await confirm({
      title: `Delete the key ${key.name}?`,
      body: 'Every program that uses it is refused from now on. This cannot be undone.',
      confirm: 'Delete key',
      danger: true,
    })
    if (yes) remove.mutate(key)
  }
  const add = (
    <Button size="xs" leftSection={<IconPlus size={14} />} onClick={dialog.open}>
      Create key
    </Button>
  )
  return (
    <>
      <Card title="API keys" flush actions={add}>
        {keys.isPending && <LoadingRows rows={3} />}
        {keys.isError && (
          <div className="card-body">
            <ErrorCard error={keys.error} onRetry={() => void keys.refetch()} />
          </div>
        )}
        {keys.data?.length === 0 && (
          <EmptyState icon={IconKey} title="No API key yet">
            A key lets a program call the API in your name, for example to start a sync from an orchestrator.
          </EmptyState>
        )}
        {(keys.data ?? []).length > 0 && (
          <DataTable caption="API keys" columns={columnsFor((key) => void ask(key))} rows={keys.data ?? []} rowKey={(key) => key.id} />
        )}
      </Card>
      <p className="muted small">A key acts as the person who created it. The API is described at /api/openapi.json.</p>
      {adding && <NewKey onClose={dialog.close} />}
    </>
  )
}

function NewKey({ onClose }: { onClose: () => void }) {
  const client = useQueryClient()
  const [name, setName] = useState('')
  const create = useMutation({
    mutationFn: () => createKey(name.trim()),
    onSuccess: () => client.invalidateQueries({ queryKey: ['keys'] }),
  })
  return (
    <Modal
      opened
      onClose={onClose}
      title={<strong>{create.isSuccess ? 'Copy the key now' : 'Create an API key'}</strong>}
      closeOnClickOutside={!create.isSuccess}
    >
      {create.isSuccess ? (
        <div className="stack">
          <Alert>This is the only time that the key is shown. Keep it where your secrets are.</Alert>
          <div className={classes.secret}>
            <code data-testid="secret">{create.data.secret}</code>
            <CopyButton value={create.data.secret} label="Copy the key" />
          </div>
          <Button onClick={onClose}>Done</Button>
        </div>
      ) : (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault()
            create.mutate()
          }}
        >
          <TextInput
            label="Name"
            description="What the key is for."
            placeholder="Airflow"
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          {create.isError && <ErrorCard error={create.error} title="The key was not created" />}
          <Button type="submit" disabled={name.trim() === ''} loading={create.isPending}>
            Create key
          </Button>
        </form>
      )}
    </Modal>
  )
}
