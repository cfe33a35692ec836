import { Button } from '@mantine/core'
import { IconEdit } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { saidDone } from '~/components/feedback/toast'
import { Card } from '~/components/page/Card'
import { allQuery, draftOf, updateDocument } from '~/services/documents'
import type { Sequence, SequenceSpec } from '~/services/types'
import classes from './Sequence.module.css'
import { stepsProblem, terminateText } from './steps'
import { StepsEditor } from './StepsEditor'

/** Saves another spec of a sequence. */
export function useSaveSequence(sequence: Sequence, onSaved: () => void) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (spec: SequenceSpec) => updateDocument('sequences', sequence.metadata.slug, draftOf<'sequences'>(sequence, spec)),
    onSuccess: async (saved) => {
      client.setQueryData(['sequences', 'one', sequence.metadata.slug], saved)
      await client.invalidateQueries({ queryKey: ['sequences'] })
      saidDone('The sequence is saved. Its next run uses the new configuration.')
      onSaved()
    },
  })
}

/** The syncs of a sequence in their order, to read and to change. */
export function StepsTab({ sequence }: { sequence: Sequence }) {
  const [editing, setEditing] = useState(false)
  const syncs = useQuery(allQuery('syncs'))
  if (syncs.isPending) return <LoadingRows />
  if (syncs.isError) return <ErrorCard error={syncs.error} onRetry={() => void syncs.refetch()} />
  if (editing) return <Edit sequence={sequence} onDone={() => setEditing(false)} />
  const nameOf = (slug: string) => syncs.data.items.find((sync) => sync.metadata.slug === slug)?.metadata.name ?? slug
  return (
    <Card
      title="Steps"
      actions={
        <Button size="xs" leftSection={<IconEdit size={14} />} onClick={() => setEditing(true)}>
          Edit
        </Button>
      }
    >
      <ol className={classes.flow} aria-label="Steps">
        {sequence.spec.steps.map((step, at) => (
          <li key={at}>
            <span className={classes.number} aria-hidden="true">
              {at + 1}
            </span>
            <div className={classes.sync}>
              <Link to="/syncs/$slug" params={{ slug: step.sync }} title={nameOf(step.sync)}>
                {nameOf(step.sync)}
              </Link>
              <small className="muted">{terminateText(step)}</small>
            </div>
          </li>
        ))}
      </ol>
    </Card>
  )
}

function Edit({ sequence, onDone }: { sequence: Sequence; onDone: () => void }) {
  const syncs = useQuery(allQuery('syncs'))
  const [steps, setSteps] = useState(sequence.spec.steps)
  const save = useSaveSequence(sequence, onDone)
  const problem = stepsProblem(steps)
  useUnsavedGuard(JSON.stringify(steps) !== JSON.stringify(sequence.spec.steps) && !save.isPending && !save.isSuccess)
  return (
    <div className="stack">
      <Card title="Steps">
        <StepsEditor syncs={syncs.data?.items ?? []} value={steps} onChange={setSteps} />
      </Card>
      {save.isError && <ErrorCard error={save.error} title="The sequence was not saved" />}
      <div className="row">
        <Button loading={save.isPending} disabled={problem !== undefined} onClick={() => save.mutate({ ...sequence.spec, steps })}>
          Save
        </Button>
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
        {problem !== undefined && <span className="muted small">{problem}</span>}
      </div>
    </div>
  )
}
