import { Button, Menu, Modal, Radio, TextInput } from '@mantine/core'
import { IconBookmark, IconBookmarkFilled, IconChevronDown, IconTrash } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useConfirm } from '~/components/confirm/confirm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { saidDone, saidFailed } from '~/components/feedback/toast'
import type { ListSearch } from '~/routes/search'
import { changeFilter, dropFilter, saveFilter, savedFiltersQuery } from '~/services/lists'
import { sessionQuery } from '~/services/session'
import type { KindPath, SavedFilter } from '~/services/types'
import { fromSaved, savedText, shows } from './filters'
import classes from './List.module.css'

interface Props {
  kind: KindPath
  search: ListSearch
  onSearch: (search: ListSearch) => void
  /** There is something to save. */
  narrowed: boolean
}

interface DialogProps {
  kind: KindPath
  query: string
  /** The filter that is changed; nothing for a new one. */
  filter: SavedFilter | undefined
  onClose: () => void
}

/** Saves filters under a name, for oneself or for everyone (FOL-05). */
function SaveDialog({ kind, query, filter, onClose }: DialogProps) {
  const client = useQueryClient()
  const [name, setName] = useState(filter?.name ?? '')
  const [shared, setShared] = useState(filter?.shared ?? false)
  const save = useMutation({
    mutationFn: () => {
      const next = { name: name.trim(), query, shared }
      return filter === undefined ? saveFilter(kind, next) : changeFilter(filter.id, next)
    },
    onSuccess: async (saved) => {
      await client.invalidateQueries({ queryKey: ['saved-filters', kind] })
      saidDone(`The filter ${saved.name} is saved.`)
      onClose()
    },
  })
  return (
    <Modal opened onClose={onClose} title={<strong>{filter === undefined ? 'Save filters' : `Change ${filter.name}`}</strong>}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <Radio.Group label="Who sees it" value={shared ? 'all' : 'me'} onChange={(value) => setShared(value === 'all')}>
          <div className="stack" style={{ gap: 8, marginTop: 8 }}>
            <Radio value="me" label="Only me" />
            <Radio value="all" label="Everyone in the workspace" />
          </div>
        </Radio.Group>
        {save.isError && <ErrorCard error={save.error} title="Nothing was saved" />}
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending} disabled={name.trim() === ''}>
            Save
          </Button>
        </div>
      </form>
    </Modal>
  )
}

function useDrop(kind: KindPath) {
  const client = useQueryClient()
  const confirm = useConfirm()
  const drop = useMutation({
    mutationFn: ({ id }: SavedFilter) => dropFilter(id),
    onSuccess: async (_, { name }) => {
      await client.invalidateQueries({ queryKey: ['saved-filters', kind] })
      saidDone(`The filter ${name} is deleted.`)
    },
    onError: (error, { name }) => saidFailed(`The filter ${name} was not deleted`, error),
  })
  return async (filter: SavedFilter) => {
    const body = filter.shared ? 'Everyone in the workspace loses it. What the list holds stays as it is.' : 'What the list holds stays as it is.'
    if (await confirm({ title: `Delete the filter ${filter.name}?`, body, confirm: 'Delete filter', danger: true })) drop.mutate(filter)
  }
}

/** The saved filters of a list: to use, to save, to change and to delete. */
export function SavedFilters({ kind, search, onSearch, narrowed }: Props) {
  const { data } = useQuery(savedFiltersQuery(kind))
  const { data: session } = useQuery(sessionQuery)
  const [saving, setSaving] = useState<{ filter: SavedFilter | undefined }>()
  const drop = useDrop(kind)
  const all = data?.items ?? []
  const current = all.find(({ query }) => shows(search, query))
  const mayChange = (filter: SavedFilter) => filter.own || session?.user.role === 'admin'
  const group = (label: string, filters: SavedFilter[]) =>
    filters.length > 0 && (
      <>
        <Menu.Label>{label}</Menu.Label>
        {filters.map((filter) => (
          <Menu.Item
            key={filter.id}
            leftSection={filter === current ? <IconBookmarkFilled size={14} aria-hidden /> : <IconBookmark size={14} aria-hidden />}
            aria-current={filter === current ? 'true' : undefined}
            onClick={() => onSearch(fromSaved(filter.query))}
          >
            <span className={classes.savedName}>{filter.name}</span>
          </Menu.Item>
        ))}
      </>
    )
  return (
    <>
      <Menu position="bottom-start" width={280}>
        <Menu.Target>
          <Button size="xs" variant="default" className={classes.saved} leftSection={<IconBookmark size={14} aria-hidden />} rightSection={<IconChevronDown size={13} aria-hidden />}>
            {current?.name ?? 'Saved filters'}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {all.length === 0 && <Menu.Label>No filter is saved yet.</Menu.Label>}
          {group('Only you see', all.filter(({ shared }) => !shared))}
          {group('Everyone sees', all.filter(({ shared }) => shared))}
          <Menu.Divider />
          <Menu.Item disabled={!narrowed || current !== undefined} onClick={() => setSaving({ filter: undefined })}>
            Save filters
          </Menu.Item>
          {current !== undefined && mayChange(current) && <Menu.Item onClick={() => setSaving({ filter: current })}>Rename or share {current.name}</Menu.Item>}
          {current !== undefined && mayChange(current) && (
            <Menu.Item c="var(--bad)" leftSection={<IconTrash size={14} aria-hidden />} onClick={() => void drop(current)}>
              Delete {current.name}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      {narrowed && current === undefined && (
        <Button size="compact-xs" variant="subtle" onClick={() => setSaving({ filter: undefined })}>
          Save filters
        </Button>
      )}
      {saving !== undefined && <SaveDialog kind={kind} query={savedText(search)} filter={saving.filter} onClose={() => setSaving(undefined)} />}
    </>
  )
}
