import { ActionIcon, Badge, Modal, TextInput, Tooltip } from '@mantine/core'
import { IconArrowsMaximize, IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { CodeBlock } from '~/components/code/CodeBlock'
import { countMatches } from '~/components/code/pretty'
import { CopyButton } from '~/components/feedback/CopyButton'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { duration, plural } from '~/components/format/format'
import { TimeAgo } from '~/components/format/TimeAgo'
import { StatusBadge } from '~/components/status/StatusBadge'
import type { Exchange } from '~/services/types'
import { enlargedMark } from './enlarged'
import classes from './Run.module.css'

const textsOf = ({ url, requestHeaders, requestBody, responseHeaders, responseBody, error }: Exchange): string[] => [
  url,
  ...[...(requestHeaders ?? []), ...(responseHeaders ?? [])].map((h) => `${h.name}: ${h.value}`),
  requestBody ?? '',
  responseBody ?? '',
  error ?? '',
]

/** What was sent and answered, with a search through all of it (SY-74). */
export function Exchanges({ exchanges }: { exchanges: Exchange[] }) {
  const [search, setSearch] = useState('')
  const found = exchanges.reduce((sum, exchange) => sum + countMatches(textsOf(exchange), search), 0)
  return (
    <>
      <TextInput
        aria-label="Search in requests and responses"
        placeholder="Search in requests and responses"
        leftSection={<IconSearch size={15} aria-hidden />}
        rightSectionWidth={92}
        rightSection={search.trim() === '' ? undefined : <span className="muted small">{found === 0 ? 'not found' : plural(found, 'place')}</span>}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      {exchanges.map((exchange, i) => (
        <ExchangeView key={i} exchange={exchange} search={search} />
      ))}
    </>
  )
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
  const [large, setLarge] = useState(false)
  if (headers.length === 0 && body === '') return null
  const lines = headers.map((h) => `${h.name}: ${h.value}`).join('\n')
  const name = title.toLowerCase()
  return (
    <>
      <div className={classes.part}>
        {title}
        <span className="row" style={{ gap: 4 }}>
          {body !== '' && (
            <Tooltip label={`Enlarge the ${name}`}>
              <ActionIcon variant="subtle" color="gray" size="sm" aria-label={`Enlarge the ${name}`} onClick={() => setLarge(true)}>
                <IconArrowsMaximize size={15} />
              </ActionIcon>
            </Tooltip>
          )}
          <CopyButton value={body || lines} label={`Copy the ${name}`} />
        </span>
      </div>
      {lines !== '' && <CodeBlock label={`${title} headers`} text={lines} search={search} />}
      {body !== '' && <CodeBlock label={`${title} body`} text={body} search={search} />}
      {large && <Enlarged title={title} text={body} search={search} onClose={() => setLarge(false)} />}
    </>
  )
}

interface EnlargedProps {
  title: string
  text: string
  search: string
  onClose: () => void
}

/** A payload over the whole window, with a search of its own. */
function Enlarged({ title, text, search: before, onClose }: EnlargedProps) {
  const [search, setSearch] = useState(before)
  return (
    <Modal opened fullScreen onClose={onClose} {...enlargedMark} title={<strong>{title}</strong>}>
      <div className="stack">
        <div className="row">
          <TextInput
            style={{ flex: 1, maxWidth: 420 }}
            aria-label={`Search in the ${title.toLowerCase()}`}
            placeholder={`Search in the ${title.toLowerCase()}`}
            leftSection={<IconSearch size={15} aria-hidden />}
            value={search}
            data-autofocus
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
          {search.trim() !== '' && <span className="muted small">{plural(countMatches([text], search), 'place')}</span>}
          <CopyButton value={text} label={`Copy the ${title.toLowerCase()}`} />
        </div>
        <CodeBlock label={`${title} body, enlarged`} text={text} search={search} tall />
      </div>
    </Modal>
  )
}
