import { Modal, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconArrowRight, IconPlus, IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useEffectEvent, useId, useState } from 'react'
import { allQuery } from '~/services/documents'
import type { KindPath } from '~/services/types'
import classes from './Command.module.css'
import { commands, matching, type Command } from './commands'

const kinds: KindPath[] = ['sources', 'models', 'destinations', 'syncs', 'sequences']

const kindWords: Record<KindPath, string> = {
  sources: 'Source',
  models: 'Model',
  destinations: 'Destination',
  syncs: 'Sync',
  sequences: 'Sequence',
  'alert-channels': 'Alert channel',
  monitors: 'Monitor',
}

/** The page of a document. */
function pageOf(kind: KindPath, slug: string) {
  if (kind === 'alert-channels') return `/settings/alerts/${slug}`
  return kind === 'monitors' ? `/settings/monitors/${slug}` : `/${kind}/${slug}`
}

/** The documents of one kind whose names match, as commands that open them. */
function useFound(kind: KindPath, text: string): Found {
  const query = useQuery({ ...allQuery(kind, { search: text, limit: 6 }), enabled: text !== '' })
  const found = (query.data?.items ?? []).map((doc) => ({
    id: `${kind}/${doc.metadata.slug}`,
    label: doc.metadata.name,
    group: kindWords[kind],
    to: pageOf(kind, doc.metadata.slug),
  }))
  return { found, searching: query.isLoading }
}

interface Found {
  found: Command[]
  /** The server has not answered yet. */
  searching: boolean
}

function useCommands(text: string): Found {
  const [sources, models, destinations, syncs, sequences, channels, monitors] = [
    useFound('sources', text),
    useFound('models', text),
    useFound('destinations', text),
    useFound('syncs', text),
    useFound('sequences', text),
    useFound('alert-channels', text),
    useFound('monitors', text),
  ]
  const parts = [syncs, sequences, models, sources, destinations, channels, monitors]
  return {
    found: [...matching(commands, text), ...parts.flatMap((part) => part.found)],
    searching: parts.some((part) => part.searching),
  }
}

interface Props {
  opened: boolean
  onClose: () => void
}

/** Leads anywhere by typing (Ctrl-K). */
export function CommandBar({ opened, onClose }: Props) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      withCloseButton={false}
      padding={0}
      size="lg"
      centered={false}
      yOffset="12vh"
      attributes={{ content: { 'aria-label': 'Search' } }}
    >
      {opened && <CommandList onClose={onClose} />}
    </Modal>
  )
}

function CommandList({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate()
  const list = useId()
  const [text, setText] = useState('')
  const [settled] = useDebouncedValue(text.trim(), 120)
  const [active, setActive] = useState(0)
  const [eager, setEager] = useState(false)
  const { found, searching } = useCommands(settled)
  const pending = searching || settled !== text.trim()
  const current = Math.min(active, found.length - 1)
  const go = (command: Command | undefined) => {
    if (command === undefined) return
    onClose()
    void navigate({ to: command.to })
  }
  // Who presses Enter before the results are there is led to the first of them when they are.
  const first = useEffectEvent(() => go(found[0]))
  useEffect(() => {
    if (eager && !pending) first()
  }, [eager, pending])
  const onKey = (event: React.KeyboardEvent) => {
    if (event.key === 'ArrowDown') setActive(Math.min(current + 1, found.length - 1))
    else if (event.key === 'ArrowUp') setActive(Math.max(current - 1, 0))
    else if (event.key === 'Enter' && pending) setEager(true)
    else if (event.key === 'Enter') go(found[current])
    else return
    event.preventDefault()
  }
  return (
    <div>
      <TextInput
        size="lg"
        variant="unstyled"
        className={classes.input}
        data-autofocus
        role="combobox"
        aria-label="Search for anything"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={found[current] === undefined ? undefined : `${list}-${current}`}
        placeholder={`Search ${kinds.join(', ')} and pages`}
        leftSection={<IconSearch size={18} aria-hidden />}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value)
          setActive(0)
          setEager(false)
        }}
        onKeyDown={onKey}
      />
      <div id={list} role="listbox" aria-label="Results" className={classes.list}>
        {found.map((command, i) => (
          // The keyboard moves through the list from the input above.
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
          <div
            key={command.id}
            id={`${list}-${i}`}
            role="option"
            aria-selected={i === current}
            className={classes.item}
            onMouseMove={() => setActive(i)}
            onClick={() => go(command)}
          >
            {command.group === 'Create' ? <IconPlus size={15} aria-hidden /> : <IconArrowRight size={15} aria-hidden />}
            <span className="truncate">{command.label}</span>
            <small className="muted">{command.group}</small>
          </div>
        ))}
        {found.length === 0 && (
          <div role="option" aria-selected="false" aria-disabled="true" className={classes.none}>
            {pending ? 'Searching…' : `Nothing is called “${settled}”.`}
          </div>
        )}
      </div>
    </div>
  )
}
