import { Select } from '@mantine/core'
import { useState } from 'react'
import { CodeBlock } from '~/components/code/CodeBlock'
import { CopyButton } from '~/components/feedback/CopyButton'
import { Card } from '~/components/page/Card'
import { sentenceList } from '~/components/format/format'
import type { SyncLogs } from '~/services/types'
import { logTables } from './words'

/** Queries to begin with, in the source's own dialect (SY-59). */
export function LogQueries({ logs }: { logs: Pick<SyncLogs, 'queries'> }) {
  const [title, setTitle] = useState(logs.queries[0]?.title)
  const query = logs.queries.find((one) => one.title === title)
  if (query === undefined) return null
  const labels = logTables.filter(({ name }) => query.tables.includes(name)).map(({ label }) => label)
  return (
    <Card title="Queries">
      <div className="stack">
        <Select
          label="Ask the tables"
          maw={420}
          allowDeselect={false}
          data={logs.queries.map((one) => one.title)}
          value={title ?? null}
          onChange={(next) => setTitle(next ?? undefined)}
        />
        <div className="row">
          <span className="small muted">It reads: {sentenceList(labels)}.</span>
          <CopyButton value={query.sql} label="Copy the query" />
        </div>
        <CodeBlock label="Query" text={query.sql} tall />
      </div>
    </Card>
  )
}
