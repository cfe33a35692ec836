import { Badge, Drawer, TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { CodeBlock } from '~/components/code/CodeBlock'
import { CopyButton } from '~/components/feedback/CopyButton'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { LoadingRows } from '~/components/feedback/Loading'
import { duration, plural } from '~/components/format/format'
import { TimeAgo } from '~/components/format/TimeAgo'
import { StatusBadge } from '~/components/status/StatusBadge'
import { exchangeQuery, rowQuery } from '~/services/runs'
import type { Exchange, OneRow, RowExchange, Run } from '~/services/types'
import classes from './Run.module.css'
import { RowChanges } from './RowChanges'

interface Props {
  run: Run
  ordinal: number | undefined
  onClose: () => void
}

/** The request and the answer of the batch that a row was in (SY-74). */
export function RowDrawer({ run, ordinal, onClose }: Props) {
  return (
    <Drawer
      opened={ordinal !== undefined}
      onClose={onClose}
      position="right"
      size="min(760px, 100vw)"
      title={<strong>Row and its batch</strong>}
    >
      {ordinal !== undefined && <Content key={ordinal} run={run} ordinal={ordinal} />}
    </Drawer>
  )
}

function Content({ run, ordinal }: { run: Run; ordinal: number }) {
  const query = useQuery(exchangeQuery(run.id, ordinal))
  const row = useQuery(rowQuery(run.id, ordinal))
  const [search, setSearch] = useState('')
  if (query.isPending || row.isPending) return <LoadingRows />
  if (row.isError) return <ErrorCard error={row.error} title="The row could not be read" onRetry={() => void row.refetch()} />
  if (query.isError) return <ErrorCard error={query.error} title="The request log could not be read" onRetry={() => void query.refetch()} />
  const { exchanges, rows } = query.data
  const { key, reason } = row.data
  return (
    <div className="stack">
      {reason !== '' && <ErrorCard error={new Error(reason)} title={`Row ${key} was rejected`} />}
      <RowChanges row={row.data} />
      <TextInput
        aria-label="Search in requests and responses"
        placeholder="Search in requests and responses"
        leftSection={<IconSearch size={15} aria-hidden />}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      {exchanges.length === 0 && <p className="muted">{unsentWords(row.data)}</p>}
      {exchanges.map((exchange, i) => (
        <ExchangeView key={i} exchange={exchange} search={search} />
      ))}
      <BatchRows rows={rows} own={ordinal} />
    </div>
  )
}

/** Why there is no request of a row. */
function unsentWords({ status }: OneRow): string {
  if (status === 'pending') return 'This row is not sent yet.'
  if (status === 'aborted') return 'This row was not sent, since the run stopped before.'
  return status === 'succeeded' ? 'No request was recorded for this row.' : 'No request was recorded for this row: it was rejected before it was sent.'
}

const succeeded = (status: number): boolean => status >= 200 && status < 400

function ExchangeView({ exchange, search }: { exchange: Exchange; search: string }) {
  const { method, url, status, requestBody, responseBody, error } = exchange
  return (
    <section className={classes.exchange} aria-label={`${method} ${url}`}>
      <div className={classes.exchangeHead}>
        <Badge color="gray">{method}</Badge>
        <code>{url}</code>
        <CopyButton value={url} label="Copy the address" />
        {status !== undefined && status > 0 && <StatusBadge label={String(status)} tone={succeeded(status) ? 'good' : 'bad'} />}
        <span className="muted small num">
          <TimeAgo at={exchange.startedAt} /> · {duration(exchange.duration / 1e6)}
        </span>
      </div>
      {error !== undefined && error !== '' && <ErrorCard error={new Error(error)} title="The request failed" />}
      <Message title="Request" headers={exchange.requestHeaders ?? []} body={requestBody} search={search} />
      <Message title="Response" headers={exchange.responseHeaders ?? []} body={responseBody} search={search} />
    </section>
  )
}

interface MessageProps {
  title: string
  headers?: { name: string; value: string }[]
  body?: string
  search: string
}

function Message({ title, headers = [], body = '', search }: MessageProps) {
  if (headers.length === 0 && body === '') return null
  const lines = headers.map((h) => `${h.name}: ${h.value}`).join('\n')
  return (
    <>
      <div className={classes.part}>
        {title}
        <CopyButton value={body || lines} label={`Copy the ${title.toLowerCase()}`} />
      </div>
      {lines !== '' && <CodeBlock label={`${title} headers`} text={lines} search={search} />}
      {body !== '' && <CodeBlock label={`${title} body`} text={body} search={search} />}
    </>
  )
}

function BatchRows({ rows, own }: { rows: RowExchange['rows']; own: number }) {
  const others = rows.filter((row) => row.ordinal !== own)
  if (others.length === 0) return null
  return (
    <section>
      <h3>{plural(others.length, 'other row')} in this batch</h3>
      <ul className={classes.batch}>
        {others.map((row) => (
          <li key={row.ordinal}>
            <code>{row.key}</code>
            <span className="muted">{row.status}</span>
            {row.reason && <span className={classes.reason}>{row.reason}</span>}
          </li>
        ))}
      </ul>
    </section>
  )
}
