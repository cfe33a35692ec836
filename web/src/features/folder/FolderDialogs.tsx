import { Alert, Button, Modal, Radio, Select, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent, type ReactNode } from 'react'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { saidDone } from '~/components/feedback/toast'
import { plural } from '~/components/format/format'
import { createFolder, deleteFolder, moveFolder } from '~/services/lists'
import type { Folder } from '~/services/types'
import { nameProblem, parentOf } from './tree'

/** What is asked about a folder. */
export type FolderQuestion = { ask: 'create'; in: string | undefined } | { ask: 'rename' | 'move' | 'delete'; path: string }

interface Props {
  folders: Folder[]
  onClose: () => void
  /** The folder that is there afterwards; nothing where it is gone. */
  onDone: (path: string | undefined) => void
}

/** Does something to the tree, and reads it and the lists anew. */
function useChange(change: () => Promise<unknown>, { onClose, onDone }: Props, path: string | undefined, said: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: change,
    onSuccess: async () => {
      await client.invalidateQueries()
      saidDone(said)
      onDone(path)
      onClose()
    },
  })
}

interface FrameProps {
  title: string
  children: ReactNode
  action: string
  danger?: boolean
  blocked?: boolean
  change: ReturnType<typeof useChange>
  onClose: () => void
}

function Frame({ title, children, action, danger, blocked, change, onClose }: FrameProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault()
    change.mutate()
  }
  return (
    <Modal opened onClose={onClose} title={<strong>{title}</strong>}>
      <form className="stack" onSubmit={submit}>
        {children}
        {change.isError && <ErrorCard error={change.error} title="The folders are as they were" />}
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" color={danger ? 'red.8' : undefined} loading={change.isPending} disabled={blocked}>
            {action}
          </Button>
        </div>
      </form>
    </Modal>
  )
}

const join = (parent: string | undefined, name: string): string => (parent === undefined ? name : `${parent}/${name}`)

/** Makes a folder. */
export function CreateFolder({ parent, ...props }: Props & { parent: string | undefined }) {
  const [name, setName] = useState('')
  const path = join(parent, name.trim())
  const change = useChange(() => createFolder(path), props, path, `The folder ${path} is there.`)
  const problem = nameProblem(name)
  return (
    <Frame title="New folder" action="Create folder" blocked={problem !== undefined} change={change} onClose={props.onClose}>
      <TextInput
        label="Name"
        description={parent === undefined ? undefined : `In ${parent}`}
        value={name}
        error={name === '' ? undefined : problem}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
      />
    </Frame>
  )
}

/** Gives a folder another name. */
export function RenameFolder({ path, ...props }: Props & { path: string }) {
  const parent = parentOf(path)
  const [name, setName] = useState(path.slice(path.lastIndexOf('/') + 1))
  const to = join(parent, name.trim())
  const change = useChange(() => moveFolder(path, to), props, to, `The folder is called ${name.trim()}.`)
  const problem = nameProblem(name)
  return (
    <Frame title={`Rename ${path}`} action="Rename" blocked={problem !== undefined || to === path} change={change} onClose={props.onClose}>
      <TextInput label="Name" value={name} error={problem} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
    </Frame>
  )
}

const top = '/'

/** Puts a folder into another. */
export function MoveFolder({ path, ...props }: Props & { path: string }) {
  const [into, setInto] = useState(parentOf(path) ?? top)
  const to = join(into === top ? undefined : into, path.slice(path.lastIndexOf('/') + 1))
  const change = useChange(() => moveFolder(path, to), props, to, `The folder is at ${to}.`)
  const places = props.folders.map((folder) => folder.path).filter((one) => one !== path && !one.startsWith(`${path}/`))
  return (
    <Frame title={`Move ${path}`} action="Move folder" blocked={to === path} change={change} onClose={props.onClose}>
      <Select
        label="Into"
        description="All that is in the folder moves with it."
        searchable
        allowDeselect={false}
        data={[{ value: top, label: 'No folder, at the top' }, ...places]}
        value={into}
        onChange={(value) => setInto(value ?? top)}
      />
    </Frame>
  )
}

const words: Record<string, [string, string]> = { sync: ['sync', 'syncs'], model: ['model', 'models'], sequence: ['sequence', 'sequences'], source: ['source', 'sources'], destination: ['destination', 'destinations'] }

/** What a folder and those in it hold: "3 syncs and 2 models". */
function contents(folders: Folder[], path: string): string {
  const sums = new Map<string, number>()
  for (const folder of folders) {
    if (folder.path !== path && !folder.path.startsWith(`${path}/`)) continue
    for (const [kind, n] of Object.entries(folder.kinds)) sums.set(kind, (sums.get(kind) ?? 0) + n)
  }
  return [...sums].map(([kind, n]) => plural(n, ...(words[kind] ?? [kind, `${kind}s`]))).join(', ')
}

/** Deletes a folder, after saying what becomes of what is in it. */
export function DeleteFolder({ path, ...props }: Props & { path: string }) {
  const [documents, setDocuments] = useState(false)
  const change = useChange(() => deleteFolder(path, documents), props, undefined, `The folder ${path} is deleted.`)
  const held = contents(props.folders, path)
  const deeper = props.folders.filter((folder) => folder.path.startsWith(`${path}/`)).length
  return (
    <Frame title={`Delete ${path}?`} action={documents ? 'Delete folder and contents' : 'Delete folder'} danger change={change} onClose={props.onClose}>
      {deeper > 0 && <p>{plural(deeper, 'folder')} in it will be deleted as well.</p>}
      {held === '' ? (
        <p className="muted">Nothing is filed in it.</p>
      ) : (
        <Radio.Group label={`It holds ${held}.`} value={documents ? 'delete' : 'keep'} onChange={(value) => setDocuments(value === 'delete')}>
          <div className="stack" style={{ gap: 8, marginTop: 8 }}>
            <Radio value="keep" label="Keep them, in no folder" />
            <Radio value="delete" label="Delete them as well" />
          </div>
        </Radio.Group>
      )}
      {documents && <Alert>Runs, row history and what is known of the last syncs are erased with them. What was already sent stays where it is. This cannot be undone.</Alert>}
    </Frame>
  )
}

/** The dialog that a question needs. */
export function FolderDialog({ question, ...props }: Props & { question: FolderQuestion }) {
  switch (question.ask) {
    case 'create':
      return <CreateFolder parent={question.in} {...props} />
    case 'rename':
      return <RenameFolder path={question.path} {...props} />
    case 'move':
      return <MoveFolder path={question.path} {...props} />
    case 'delete':
      return <DeleteFolder path={question.path} {...props} />
  }
}
