import { ActionIcon, Button, Menu } from '@mantine/core'
import { IconChevronDown, IconChevronRight, IconDots, IconFolder, IconFolderPlus, IconStack2 } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useRef, useState, type KeyboardEvent } from 'react'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { count } from '~/components/format/format'
import { foldersQuery } from '~/services/lists'
import { sessionQuery } from '~/services/session'
import type { Folder } from '~/services/types'
import { FolderDialog, type FolderQuestion } from './FolderDialogs'
import { branchesOf, stepOf, visible, type Branch } from './tree'
import classes from './Folder.module.css'

interface Props {
  /** The kind of document whose numbers are shown. */
  kind: string
  /** What the list holds, such as syncs. */
  noun: string
  /** The folder that the list shows; nothing for all. */
  at: string | undefined
  onGo: (folder: string | undefined) => void
}

function FolderMenu({ path, onAsk }: { path: string; onAsk: (question: FolderQuestion) => void }) {
  return (
    <Menu position="bottom-end" width={180}>
      <Menu.Target>
        <ActionIcon variant="subtle" size={24} className={classes.dots} aria-label={`Actions for the folder ${path}`}>
          <IconDots size={15} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => onAsk({ ask: 'create', in: path })}>New folder in it</Menu.Item>
        <Menu.Item onClick={() => onAsk({ ask: 'rename', path })}>Rename</Menu.Item>
        <Menu.Item onClick={() => onAsk({ ask: 'move', path })}>Move</Menu.Item>
        <Menu.Divider />
        <Menu.Item c="var(--bad)" onClick={() => onAsk({ ask: 'delete', path })}>
          Delete
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

interface BranchProps {
  branch: Branch
  closed: boolean
  selected: boolean
  /** The one that the Tab key reaches. */
  entry: boolean
  onGo: () => void
  onFlip: () => void
}

function TreeItem({ branch, closed, selected, entry, onGo, onFlip }: BranchProps) {
  const { path, name, level, total, hasFolders } = branch
  const Sign = closed ? IconChevronRight : IconChevronDown
  return (
    <div
      role="treeitem"
      aria-level={level}
      aria-selected={selected}
      aria-expanded={hasFolders ? !closed : undefined}
      aria-label={`${name}, ${count(total)}`}
      tabIndex={entry ? 0 : -1}
      data-path={path}
      className={classes.item}
      style={{ paddingLeft: 4 + Math.min(level - 1, 8) * 14 }}
      title={path}
      onClick={onGo}
      onKeyDown={(event) => {
        if (event.key === 'Enter' || event.key === ' ') onGo()
      }}
    >
      {hasFolders ? (
        <span
          aria-hidden
          className={classes.flip}
          onClick={(event) => {
            event.stopPropagation()
            onFlip()
          }}
        >
          <Sign size={13} />
        </span>
      ) : (
        <span className={classes.flip} />
      )}
      <IconFolder size={15} aria-hidden className={classes.sign} />
      <span className={classes.name}>{name}</span>
      <span className={classes.count}>{count(total)}</span>
    </div>
  )
}

function Tree({ folders, kind, at, onGo }: Omit<Props, 'noun'> & { folders: Folder[] }) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set())
  const [focused, setFocused] = useState<string>()
  const place = useRef<HTMLDivElement>(null)
  const seen = visible(branchesOf(folders, kind), closed)
  const entry = [focused, at].find((path) => seen.some((branch) => branch.path === path)) ?? seen[0]?.path
  const flip = (path: string) => {
    const next = new Set(closed)
    if (!next.delete(path)) next.add(path)
    setClosed(next)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const from = (event.target as HTMLElement).dataset.path
    const step = from === undefined ? undefined : stepOf(event.key, from, seen, closed)
    if (event.key === ' ') event.preventDefault()
    if (step === undefined) return
    event.preventDefault()
    if ('open' in step) return flip(step.open)
    if ('close' in step) return flip(step.close)
    setFocused(step.to)
    place.current?.querySelector<HTMLElement>(`[data-path="${CSS.escape(step.to)}"]`)?.focus()
  }
  return (
    <div ref={place} role="tree" aria-label="Folders" className={classes.tree} tabIndex={-1} onKeyDown={onKeyDown}>
      {seen.map((branch) => (
        <TreeItem
          key={branch.path}
          branch={branch}
          closed={closed.has(branch.path)}
          selected={branch.path === at}
          entry={branch.path === entry}
          onGo={() => onGo(branch.path)}
          onFlip={() => flip(branch.path)}
        />
      ))}
    </div>
  )
}

/** The folders beside a list: one tree for all kinds, which admins change (FOL-01). */
export function FolderPanel({ kind, noun, at, onGo }: Props) {
  const query = useQuery(foldersQuery)
  const { data: session } = useQuery(sessionQuery)
  const [question, setQuestion] = useState<FolderQuestion>()
  const folders = query.data?.items ?? []
  const admin = session?.user.role === 'admin'
  const moved = (path: string | undefined) => {
    if (question?.ask !== 'create' && at !== undefined) onGo(path)
  }
  return (
    <section className={classes.panel} aria-label="Folders">
      <button type="button" className={classes.all} aria-current={at === undefined ? 'true' : undefined} onClick={() => onGo(undefined)}>
        <IconStack2 size={15} aria-hidden className={classes.sign} />
        All {noun}
      </button>
      {query.isError && <ErrorCard error={query.error} title="The folders could not be loaded" onRetry={() => void query.refetch()} />}
      {folders.length > 0 && <Tree folders={folders} kind={kind} at={at} onGo={onGo} />}
      {query.isSuccess && folders.length === 0 && <p className={classes.none}>No folders yet.</p>}
      {admin && (
        <div className={classes.foot}>
          <Button size="compact-sm" variant="subtle" leftSection={<IconFolderPlus size={15} aria-hidden />} onClick={() => setQuestion({ ask: 'create', in: undefined })}>
            New folder
          </Button>
          {at !== undefined && folders.some(({ path }) => path === at) && <FolderMenu path={at} onAsk={setQuestion} />}
        </div>
      )}
      {question !== undefined && <FolderDialog question={question} folders={folders} onClose={() => setQuestion(undefined)} onDone={moved} />}
    </section>
  )
}
