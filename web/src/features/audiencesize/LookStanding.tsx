import { Button } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { plural } from '~/components/format/format'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { Facts } from '~/components/page/Facts'
import { DataTable, type Column } from '~/components/table/DataTable'
import { audienceSizesQuery, isDue, runAudienceSizes } from '~/services/audiencesizes'
import { ApiError } from '~/services/http'
import type { AudienceSizes } from '~/services/types'

type Look = AudienceSizes['looks'][number]

const columns: Column<Look>[] = [
  { id: 'at', header: 'Looked at', width: 180, cell: (look) => <TimeAgo at={look.at} /> },
  {
    id: 'outcome',
    header: 'Outcome',
    fill: true,
    cell: (look) => (look.error === null ? plural(look.audiences, 'audience') : <span title={look.error.suggestion}>{look.error.message}</span>),
  },
  { id: 'table', header: 'Written to', secondary: true, cell: (look) => (look.writtenTo === undefined ? '–' : <code>{look.writtenTo}</code>) },
]

/** When the ad accounts were looked at and will be again, and what became of it. */
export function LookStanding({ slug, report }: { slug: string; report: AudienceSizes }) {
  const client = useQueryClient()
  const run = useMutation({
    mutationFn: () => runAudienceSizes(slug),
    onSuccess: (next) => client.setQueryData(audienceSizesQuery(slug).queryKey, next),
  })
  const due = isDue(report)
  return (
    <Card
      title="Looks"
      actions={
        <Button variant="default" leftSection={<IconRefresh size={16} />} loading={run.isPending || due} onClick={() => run.mutate()}>
          Run now
        </Button>
      }
    >
      <div className="stack">
        <Facts
          facts={[
            { label: 'Last', value: <TimeAgo at={report.checkedAt} none="Not yet" /> },
            { label: 'Next', value: due ? 'Now' : <TimeAgo at={report.nextAt} /> },
          ]}
        />
        {run.isError && <ErrorCard error={run.error} title="It could not be started" />}
        {report.error !== null && <ErrorCard error={new ApiError(422, report.error)} title="The last look failed and is tried again" />}
        {report.looks.length > 0 && <DataTable caption="Looks at the ad accounts" columns={columns} rows={report.looks} rowKey={(look) => look.at} />}
      </div>
    </Card>
  )
}
