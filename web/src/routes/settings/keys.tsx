import { ActionIcon, Alert, Button, Modal, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconKey, IconPlus, IconTrash } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { useConfirm } from '~/components/confirm/confirm'
import { CopyButton } from '~/components/feedback/CopyButton'
import { EmptyState } from '~/components/feedback/EmptyState'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import { TimeAgo } from '~/components/format/TimeAgo'
import { plural } from '~/components/format/format'
import type { Column } from '~/components/table/DataTable'
import { NameCell } from '~/components/table/NameCell'
import { SelectionBar } from '~/components/table/SelectionBar'
import { ShortList } from '~/components/table/ShortList'
import type { Chosen } from '~/components/table/VirtualTable'
import { useSelection } from '~/features/list/useSelection'
import { createKey, deleteKey, keysQuery } from '~/services/keys'
import type { Named } from '~/services/lists'
import type { ApiKey } from '~/services/types'
import classes from './settings.module.css'

const route = getRouteApi('/app/settings/keys')

const columnsFor = (remove: (key: ApiKey) => void): Column<ApiKey>[] => [
  { id: 'name', header: 'Name', fill: true, sort: 'name', text: (key) => `${key.name} ${key.prefix}`, cell: (key) => <NameCell link={<strong title={key.name}>{key.name}</strong>} /> },
  { id: 'prefix', header: 'Begins with', width: 120, secondary: true, cell: (key) => <code>{key.prefix}…</code> },
  {
    id: 'created',
    header: 'Created',
    width: 200,
    secondary: true,
    sort: 'created',
    text: (key) => key.createdBy,
    order: (key) => key.createdAt,
    cell: (key) => (
      <span title={key.createdBy}>
        <TimeAgo at={key.createdAt} /> <span className="muted">by {key.createdBy}</span>
      </span>
    ),
  },
  { id: 'used', header: 'Last used', width: 130, sort: 'used', order: (key) => key.lastUsedAt ?? '', cell: (key) => <TimeAgo at={key.lastUsedAt} none="Never" /> },
  {
    id: 'delete',
    header: '',
    width: 56,
    cell: (key) => (
      <ActionIcon variant="subtle" color="gray" aria-label={`Delete the key ${key.name}`} onClick={() => remove(key)}>
        <IconTrash size={16} />
      </ActionIcon>
    ),
  },
]

const named = ({ id, name }: ApiKey) => ({ slug: String(id), name })

/** Deletes keys after asking; those that could not be deleted stay. */
function useRemove(onDone: () => void) {
  const client = useQueryClient()
  const confirm = useConfirm()
  const remove = useMutation({
    mutationFn: async (keys: Named[]) => {
      for (const { slug } of keys) await deleteKey(Number(slug))
    },
    onSuccess: (_, keys) => {
      onDone()
      saidDone(keys.length === 1 ? `The key ${keys[0]?.name} is deleted.` : `${plural(keys.length, 'key')} deleted.`)
    },
    onError: (error, keys) => saidFailed(keys.length === 1 ? 'The key was not deleted' : 'Not every key was deleted', error),
    onSettled: () => client.invalidateQueries({ queryKey: ['keys'] }),
  })
  return async (keys: Named[]) => {
    const one = keys.length === 1
    const yes = await confirm({
      title: one ? `Delete the key ${keys[0]?.name}?` : `Delete ${plural(keys.length, 'key')}?`,
      body: `Every program that uses ${one ? 'it' : 'one of them'} is refused from now on. This cannot be undone.`,
      confirm: one ? 'Delete key' : `Delete ${plural(keys.length, 'key')}`,
      danger: true,
    })
    if (yes) remove.mutate(keys)
  }
}

/** The keys with which programs call the API (API-02). */
export default function KeysSettings() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const keys = useQuery(keysQuery)
  const [adding, dialog] = useDisclosure(false)
  const { chosen, ...selection } = useSelection(JSON.stringify({ ...search, sort: undefined }))
  const remove = useRemove(selection.clear)
  const chosenOf = (rows: ApiKey[]): Chosen<ApiKey> => ({
    has: ({ id }) => chosen.has(String(id)),
    toggle: (key, index, shift) => selection.toggle(named(key), index, shift, (i) => rows[i] && named(rows[i])),
    all: chosen.size === 0 ? 'none' : chosen.size === rows.length ? 'all' : 'some',
    toggleAll: () => (chosen.size === rows.length ? selection.clear() : selection.choose(rows.map(named))),
    label: ({ name }) => `Select ${name}`,
  })
  return (
    <>
      <ShortList
        title="API keys"
        one="key"
        many="API keys"
        query={keys}
        columns={columnsFor((key) => void remove([named(key)]))}
        rowKey={({ id }) => id}
        search={search}
        onSearch={(next) => void navigate({ search: next, replace: true })}
        add={
          <Button size="xs" leftSection={<IconPlus size={14} />} onClick={dialog.open}>
            Create key
          </Button>
        }
        empty={
          <EmptyState icon={IconKey} title="No API key yet">
            A key lets a program call the API in your name, for example to start a sync from an orchestrator.
          </EmptyState>
        }
        chosen={chosenOf}
        selection={
          chosen.size > 0 && (
            <SelectionBar size={chosen.size}>
              <Button size="compact-xs" color="red" variant="light" onClick={() => void remove([...chosen].map(([slug, name]) => ({ slug, name })))}>
                Delete {plural(chosen.size, 'key')}
              </Button>
              <Button size="compact-xs" variant="subtle" onClick={selection.clear}>
                Clear selection
              </Button>
            </SelectionBar>
          )
        }
      />
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
