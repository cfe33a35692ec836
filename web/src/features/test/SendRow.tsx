import { Alert, Button, SegmentedControl } from '@mantine/core'
import { IconArrowLeft, IconSend } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { duration } from '~/components/format/format'
import { operations, operationWords, type StateWords } from '~/components/status/states'
import { StatusBadge } from '~/components/status/StatusBadge'
import { Exchanges } from '~/features/run/Exchanges'
import { ApiError } from '~/services/http'
import { testRow } from '~/services/testrow'
import type { Operation, Sync, TestableRow, TestedRow, TestRows } from '~/services/types'
import type { Edits } from './edits'
import { RowValues } from './RowValues'
import classes from './Test.module.css'

interface Props extends TestRows {
  sync: Sync
  row: TestableRow
  onBack: () => void
}

/** A row with its values to change, what it is sent as, and what came of it. */
export function SendRow({ sync, row, columns, operations: possible, onBack }: Props) {
  const [edits, setEdits] = useState<Edits>({})
  const [operation, setOperation] = useState<Operation>(possible[0] ?? 'added')
  const send = useMutation({ mutationFn: () => testRow(sync.metadata.slug, { key: row.key, operation, values: edits }) })
  const to = sync.status?.destination.name ?? sync.spec.destination
  return (
    <div className="stack">
      <div className="row">
        <Button variant="subtle" size="xs" leftSection={<IconArrowLeft size={14} />} onClick={onBack}>
          Other row
        </Button>
        <h3 style={{ overflowWrap: 'anywhere' }}>Row {row.key}</h3>
      </div>
      <RowValues columns={columns} row={row} edits={edits} onChange={setEdits} />
      <div className={classes.send}>
        <SegmentedControl
          size="xs"
          aria-label="Sent as"
          data={operations.map((o) => ({ value: o, label: operationWords[o], disabled: !possible.includes(o) }))}
          value={operation}
          onChange={(next) => setOperation(operations.find((o) => o === next) ?? operation)}
        />
        <Button size="xs" leftSection={<IconSend size={14} />} loading={send.isPending} onClick={() => send.mutate()}>
          Send row
        </Button>
        <span className="muted small">The row is really sent to {to}.</span>
      </div>
      {operation === 'removed' && (
        <Alert>{removalWords(sync, to)}</Alert>
      )}
      {send.isError && <ErrorCard error={send.error} title="The row was not sent" />}
      {send.isSuccess && <Outcome tested={send.data} to={to} />}
    </div>
  )
}

function removalWords({ spec }: Sync, to: string): string {
  if (spec.delete === 'delete') return `Its record in ${to} is deleted, although the row is still in the model. A later run does not bring it back by itself while the row stays as it is.`
  if (spec.delete === 'clear') return `The mapped fields of its record in ${to} are emptied, although the row is still in the model. A later run does not fill them by itself while the row stays as it is.`
  return `The row is sent to ${to} as one that left the model.`
}

const outcomes: Record<TestedRow['outcome'], StateWords> = {
  succeeded: { label: 'Successful', tone: 'good' },
  rejected: { label: 'Rejected', tone: 'bad' },
  in_doubt: { label: 'In doubt', tone: 'warn' },
  not_sent: { label: 'Not sent', tone: 'bad' },
}

/** What came of the row, in the destination's words, with the requests and answers. */
function Outcome({ tested, to }: { tested: TestedRow; to: string }) {
  const { outcome, reason, error, exchanges } = tested
  return (
    <section className="stack" aria-label="Result" aria-live="polite">
      <div className={classes.outcome}>
        <StatusBadge {...outcomes[outcome]} />
        <span className="muted small num">
          {operationWords[tested.operation]}, in {duration(tested.durationMs)}. Runs know nothing of this test.
        </span>
      </div>
      {error !== null && <ErrorCard error={new ApiError(422, error)} title="A run would have stopped here" />}
      {error === null && reason !== '' && (
        <ErrorCard error={new Error(reason)} title={outcome === 'in_doubt' ? `The answer of ${to} was lost: the row may have arrived` : `${to} did not take the row`} />
      )}
      {exchanges.length === 0 ? <p className="muted">No request was made.</p> : <Exchanges exchanges={exchanges} />}
    </section>
  )
}
