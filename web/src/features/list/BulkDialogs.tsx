import { Autocomplete, Button, Modal, Select, TagsInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState, type FormEvent, type ReactNode } from 'react'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { count, plural, sentenceList } from '~/components/format/format'
import { labelsFrom } from '~/features/document/labels'
import { bulk, facetsQuery, foldersQuery, type BulkRequest } from '~/services/lists'
import { sessionQuery } from '~/services/session'
import type { Bulk, Outcome } from '~/services/types'
import type { BulkKind } from './BulkActions'
import classes from './List.module.css'

interface Props {
  kind: BulkKind
  title: string
  onClose: () => void
  onSend: (request: BulkRequest, said: string) => void
}

function Form({ title, action, blocked, onClose, onSubmit, children }: { title: string; action: string; blocked: boolean; onClose: () => void; onSubmit: () => void; children: ReactNode }) {
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onSubmit()
  }
  return (
    <Modal opened onClose={onClose} title={<strong>{title}</strong>}>
      <form className="stack" onSubmit={submit}>
        {children}
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" disabled={blocked}>
            {action}
          </Button>
        </div>
      </form>
    </Modal>
  )
}

/** Adds labels to many documents, and takes labels away (FOL-06). */
export function LabelsDialog({ kind, title, onClose, onSend }: Props) {
  const facets = useQuery(facetsQuery(kind))
  const known = (facets.data?.labels ?? []).map(({ key, value }) => `${key}:${value}`)
  const [add, setAdd] = useState<string[]>([])
  const [drop, setDrop] = useState<string[]>([])
  const parsed = labelsFrom(add)
  const submit = () => onSend({ action: 'label', labels: parsed.labels, drop }, 'changed')
  return (
    <Form title={title} action="Save labels" blocked={parsed.problem !== undefined || add.length + drop.length === 0} onClose={onClose} onSubmit={submit}>
      <TagsInput
        label="Add"
        description="Written as key:value; press Enter after each. A key that is there gets the new value."
        openOnFocus={false}
        data={known}
        value={add}
        error={parsed.problem}
        onChange={setAdd}
        data-autofocus
      />
      <TagsInput label="Remove" description="Labels that the chosen ones have." data={known} value={drop} onChange={setDrop} />
    </Form>
  )
}

const none = '/'

/** Moves documents into a folder. Admins can name one that is not there yet. */
export function MoveDialog({ kind, title, onClose, onSend }: Props) {
  const folders = useQuery(foldersQuery)
  const { data: session } = useQuery(sessionQuery)
  const [folder, setFolder] = useState('')
  const paths = (folders.data?.items ?? []).map(({ path }) => path)
  const path = folder === none ? '' : folder.trim().replace(/^\/+|\/+$/g, '')
  const made = path !== '' && !paths.includes(path)
  const submit = () => onSend({ action: 'file', folder: path }, path === '' ? 'taken out of folders' : `moved to ${path}`)
  const hint = kind === 'syncs' ? 'The models of the syncs move with them.' : undefined
  return (
    <Form title={title} action={made ? 'Create folder and move' : 'Move'} blocked={folder === ''} onClose={onClose} onSubmit={submit}>
      {session?.user.role === 'admin' ? (
        <>
          <Autocomplete
            label="Folder"
            description={['Choose one, or write a new one; folders in folders with a slash: Marketing/EU.', hint].filter(Boolean).join(' ')}
            openOnFocus={false}
            data={paths}
            value={folder === none ? '' : folder}
            disabled={folder === none}
            onChange={setFolder}
            data-autofocus
          />
          <Button size="compact-sm" variant="subtle" style={{ alignSelf: 'flex-start' }} onClick={() => setFolder(folder === none ? '' : none)}>
            {folder === none ? 'Choose a folder instead' : 'Take them out of folders instead'}
          </Button>
          {folder === none && <p className="muted">They will be in no folder.</p>}
        </>
      ) : (
        <Select
          label="Folder"
          description={hint}
          searchable
          data={[{ value: none, label: 'No folder' }, ...paths]}
          value={folder === '' ? null : folder}
          onChange={(value) => setFolder(value ?? '')}
        />
      )}
    </Form>
  )
}

/** Documents of which nothing became, each with the reason. */
function Refused({ results, names }: { results: Outcome[]; names: ReadonlyMap<string, string> }) {
  const refused = results.filter(({ error }) => error !== null)
  return (
    <ul className={classes.refused} tabIndex={0} aria-label="Those that stay as they are">
      {refused.slice(0, 100).map(({ slug, error }) => (
        <li key={slug}>
          <strong>{names.get(slug) ?? slug}</strong>
          <div className="muted">{[error?.message, error?.suggestion].filter(Boolean).join('. ')}</div>
        </li>
      ))}
      {refused.length > 100 && <li className="muted">And {refused.length - 100} more.</li>}
    </ul>
  )
}

/** The names of some, and how many more there are. */
export function someNames(names: string[], most = 5): string {
  const rest = names.length - most
  return sentenceList(rest > 0 ? [...names.slice(0, most), `${count(rest)} more`] : names)
}

/** What goes with documents of a kind, and what does not. */
const consequences: Record<BulkKind, string> = {
  sources: 'Stored credentials are erased. The data in the source itself is not touched.',
  models: 'The rows in the source are not touched.',
  destinations: 'Stored credentials are erased. What was already sent stays where it is.',
  syncs: 'All runs, the history of their rows and what is known of the last sync are erased. What was already sent stays where it is.',
  sequences: 'Runs that are under way are cancelled. The syncs stay as they are.',
}

interface DeleteProps {
  kind: BulkKind
  one: string
  chosen: ReadonlyMap<string, string>
  onClose: () => void
  onSend: (request: BulkRequest, said: string) => void
}

/** Deletes documents after saying which of them can be deleted, and what goes with them. */
export function DeleteDialog({ kind, one, chosen, onClose, onSend }: DeleteProps) {
  const slugs = [...chosen.keys()]
  const trial = useQuery({ queryKey: [kind, 'delete', slugs], queryFn: () => bulk(kind, slugs, { action: 'delete', dryRun: true }), staleTime: 0, gcTime: 0 })
  const going = trial.data?.results.filter(({ error }) => error === null).map(({ slug }) => chosen.get(slug) ?? slug) ?? []
  const staying = (trial.data?.results.length ?? 0) - going.length
  const n = plural(going.length, one)
  return (
    <Modal opened onClose={onClose} title={<strong>Delete {plural(chosen.size, one)}?</strong>}>
      <div className="stack">
        {trial.isPending && <LoadingRows rows={3} />}
        {trial.isError && <ErrorCard error={trial.error} title="What depends on them is not known" onRetry={() => void trial.refetch()} />}
        {going.length > 0 && (
          <p>
            {someNames(going)} will be deleted. {consequences[kind]} This cannot be undone.
          </p>
        )}
        {staying > 0 && trial.data !== undefined && (
          <>
            <p>{going.length === 0 ? 'None of them can be deleted now.' : `${plural(staying, one)} will stay, since something depends on ${staying === 1 ? 'it' : 'them'}.`}</p>
            <Refused results={trial.data.results} names={chosen} />
          </>
        )}
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button color="red.8" disabled={going.length === 0} onClick={() => onSend({ action: 'delete' }, 'deleted')}>
            {going.length === 0 ? 'Delete' : `Delete ${n}`}
          </Button>
        </div>
      </div>
    </Modal>
  )
}

interface OutcomeProps {
  result: Bulk
  names: ReadonlyMap<string, string>
  one: string
  onClose: () => void
}

/** Says of which documents nothing became, and why. */
export function OutcomeDialog({ result, names, one, onClose }: OutcomeProps) {
  return (
    <Modal opened onClose={onClose} title={<strong>{plural(result.results.length - result.done, one)} stayed as before</strong>}>
      <div className="stack">
        <Refused results={result.results} names={names} />
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <Button onClick={onClose} data-autofocus>
            Close
          </Button>
        </div>
      </div>
    </Modal>
  )
}
