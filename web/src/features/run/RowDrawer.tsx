import { Drawer } from '@mantine/core'
import { IconFlask } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { plural } from '~/components/format/format'
import { LinkButton } from '~/components/page/LinkButton'
import { exchangeQuery, rowQuery } from '~/services/runs'
import type { OneRow, RowExchange, Run } from '~/services/types'
import { unlessEnlarged } from './enlarged'
import { Exchanges } from './Exchanges'
import classes from './Run.module.css'
import { RowChanges } from './RowChanges'

interface Props {
  run: Run
  ordinal: number | undefined
  /** Shows another row in the place of this one. */
  onOpen: (ordinal: number) => void
  onClose: () => void
}

/** The request and the answer of the batch that a row was in (SY-74). */
export function RowDrawer({ run, ordinal, onOpen, onClose }: Props) {
  return (
    <Drawer
      opened={ordinal !== undefined}
      onClose={unlessEnlarged(onClose)}
      position="right"
      size="min(760px, 100vw)"
      title={<strong>Row and its batch</strong>}
    >
      {ordinal !== undefined && <Content key={ordinal} run={run} ordinal={ordinal} onOpen={onOpen} />}
    </Drawer>
  )
}

function Content({ run, ordinal, onOpen }: Pick<Props, 'run' | 'onOpen'> & { ordinal: number }) {
  const query = useQuery(exchangeQuery(run.id, ordinal))
  const row = useQuery(rowQuery(run.id, ordinal))
  if (query.isPending || row.isPending) return <LoadingRows />
  if (row.isError) return <ErrorCard error={row.error} title="The row could not be read" onRetry={() => void row.refetch()} />
  if (query.isError) return <ErrorCard error={query.error} title="The request log could not be read" onRetry={() => void query.refetch()} />
  const { exchanges, rows } = query.data
  const { key, reason } = row.data
  return (
    <div className="stack">
      {reason !== '' && <ErrorCard error={new Error(reason)} title={`Row ${key} was rejected`} />}
      <RowChanges row={row.data} />
      {row.data.operation !== 'removed' && (
        <div>
          <LinkButton
            variant="default"
            size="xs"
            leftSection={<IconFlask size={14} />}
            to="/syncs/$slug"
            params={{ slug: run.syncSlug }}
            search={{ tab: 'configuration', test: 'row', key }}
          >
            Test this row
          </LinkButton>
        </div>
      )}
      {exchanges.length === 0 ? <p className="muted">{unsentWords(row.data)}</p> : <Exchanges exchanges={exchanges} />}
      <BatchRows rows={rows} own={ordinal} onOpen={onOpen} />
    </div>
  )
}

/** Why there is no request of a row. */
function unsentWords({ status }: OneRow): string {
  if (status === 'pending') return 'This row is not sent yet.'
  if (status === 'aborted') return 'This row was not sent, since the run stopped before.'
  return status === 'succeeded' ? 'No request was recorded for this row.' : 'No request was recorded for this row: it was rejected before it was sent.'
}

interface BatchProps {
  rows: RowExchange['rows']
  own: number
  onOpen: (ordinal: number) => void
}

/** The other rows of the batch, each of which leads to itself. */
function BatchRows({ rows, own, onOpen }: BatchProps) {
  const others = rows.filter((row) => row.ordinal !== own)
  if (others.length === 0) return null
  return (
    <section>
      <h3>{plural(others.length, 'other row')} in this batch</h3>
      <ul className={classes.batch}>
        {others.map((row) => (
          <li key={row.ordinal}>
            <button type="button" className={classes.rowButton} onClick={() => onOpen(row.ordinal)}>
              {row.key}
            </button>
            <span className="muted">{row.status}</span>
            {row.reason && <span className={classes.reason}>{row.reason}</span>}
          </li>
        ))}
      </ul>
    </section>
  )
}
