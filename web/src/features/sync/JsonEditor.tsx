import { Alert, Button, Checkbox, Modal } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { CodeEditor, type TextProblem } from '~/components/code/CodeEditor'
import { lineAt, placeOf } from '~/components/code/jsonPlaces'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { CopyButton } from '~/components/feedback/CopyButton'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { problemsOf } from '~/components/feedback/errors'
import { Card } from '~/components/page/Card'
import { Changes } from '~/features/document/Changes'
import { changesOf, draftOf, type Change } from '~/services/documents'
import type { Sync, SyncSpec, SyncType } from '~/services/types'
import { consequences } from './consequences'
import { parseSpec } from './json'
import classes from './Sync.module.css'
import { hasRun, useSaveSync } from './save'

interface Props {
  sync: Sync
  types: SyncType[]
  onDone: () => void
}

interface Review {
  spec: SyncSpec
  changes: Change[]
}

/** Edits a sync's configuration as JSON, to change much at once or to copy it from another sync (SY-10). */
export function JsonEditor({ sync, types, onDone }: Props) {
  const [before] = useState(() => JSON.stringify(sync.spec, null, 2))
  const [text, setText] = useState(before)
  const [keep, setKeep] = useState(true)
  const save = useSaveSync(sync, onDone)
  const review = useMutation({
    mutationFn: async (spec: SyncSpec): Promise<Review> => ({ spec, changes: await changesOf<'syncs'>(sync, draftOf<'syncs'>(sync, spec)) }),
  })
  const parsed = parseSpec(text, { current: sync.spec, keep, types })
  const problems = parsed.problems.length > 0 ? parsed.problems : refusals(text, review.error)
  useUnsavedGuard(text !== before && !save.isPending && !save.isSuccess)
  const change = (next: string) => {
    setText(next)
    review.reset()
  }
  return (
    <div className="stack">
      <Card title="Configuration as JSON" actions={<CopyButton value={text} label="Copy the configuration" />} flush>
        <CodeEditor label="Configuration as JSON" language="json" value={text} problems={problems} onChange={change} minHeight={300} maxHeight={560} />
      </Card>
      {problems.length > 0 && <Problems text={text} problems={problems} refused={parsed.problems.length === 0} />}
      {problems.length === 0 && review.isError && <ErrorCard error={review.error} title="The changes could not be reviewed" />}
      {parsed.foreign && (
        <Alert>
          <div className="stack" style={{ gap: 8 }}>
            <span>This configuration is of a sync between another model and destination.</span>
            <Checkbox
              size="xs"
              label="Keep the model, the destination and the schedule of this sync"
              checked={keep}
              onChange={(event) => {
                setKeep(event.currentTarget.checked)
                review.reset()
              }}
            />
          </div>
        </Alert>
      )}
      {parsed.notes.length > 0 && (
        <Alert>
          {parsed.notes.map((note) => (
            <p key={note}>{note}</p>
          ))}
        </Alert>
      )}
      <div className="row">
        <Button
          disabled={parsed.spec === undefined || text === before}
          loading={review.isPending}
          onClick={() => parsed.spec !== undefined && review.mutate(parsed.spec)}
        >
          Review changes
        </Button>
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
      </div>
      {review.isSuccess && (
        <ReviewDialog
          review={review.data}
          words={consequences(sync.spec, review.data.spec, types.find((t) => t.slug === review.data.spec.type), hasRun(sync))}
          saving={save.isPending}
          error={save.error}
          onSave={() => save.mutate(review.data.spec)}
          onClose={() => review.reset()}
        />
      )}
    </div>
  )
}

/** What the server refuses, at the places of the text that its paths name. */
function refusals(text: string, error: Error | null): TextProblem[] {
  return problemsOf(error).flatMap(({ path, message, suggestion }) =>
    path?.startsWith('spec') === true ? [{ ...placeOf(text, path.replace(/^spec\.?/, '')), message: [message, suggestion].filter(Boolean).join('\n') }] : [],
  )
}

function Problems({ text, problems, refused }: { text: string; problems: TextProblem[]; refused: boolean }) {
  return (
    <ErrorCard error={new Error(problems.map(({ from, message }) => `Line ${lineAt(text, from)}: ${message}`).join('\n'))} title={refused ? 'The configuration cannot be saved' : 'This is not a configuration'} />
  )
}

interface ReviewProps {
  review: Review
  /** What the changes mean for rows. */
  words: string[]
  saving: boolean
  error: Error | null
  onSave: () => void
  onClose: () => void
}

/** What will be saved, before it is. */
function ReviewDialog({ review: { changes }, words, saving, error, onSave, onClose }: ReviewProps) {
  return (
    <Modal opened onClose={onClose} size="xl" title={<strong>Save these changes?</strong>}>
      <div className="stack">
        {changes.length === 0 ? <p className="muted">Nothing changes: the text says the same in other words.</p> : <Changes changes={changes} />}
        {words.map((sentence) => (
          <p key={sentence} className={classes.consequence}>
            {sentence}
          </p>
        ))}
        {error !== null && <ErrorCard error={error} title="The sync was not saved" />}
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>
            Back
          </Button>
          <Button loading={saving} disabled={changes.length === 0} onClick={onSave}>
            Save
          </Button>
        </div>
      </div>
    </Modal>
  )
}
