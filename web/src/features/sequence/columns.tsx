import { Link } from '@tanstack/react-router'
import { plural } from '~/components/format/format'
import { TimeAgo } from '~/components/format/TimeAgo'
import { scheduleText } from '~/components/schedule/schedule'
import { SequenceStateBadge } from '~/components/status/StatusBadge'
import type { Column } from '~/components/table/DataTable'
import { NameCell } from '~/components/table/NameCell'
import { cellTime, createdColumn, creatorColumn, folderColumn, labelsColumn, slugColumn } from '~/features/list/common'
import type { Sequence } from '~/services/types'

/** The columns of the list of sequences. */
export const sequenceColumns: Column<Sequence>[] = [
  { id: 'status', header: 'Status', sort: 'status', width: 180, text: ({ status }) => status?.label ?? '', cell: ({ status }) => <SequenceStateBadge state={status?.state} /> },
  {
    id: 'name',
    header: 'Sequence',
    fill: true,
    sort: 'name',
    text: ({ metadata }) => metadata.name,
    cell: ({ metadata, spec }) => (
      <NameCell
        link={
          <Link to="/sequences/$slug" params={{ slug: metadata.slug }} title={metadata.name}>
            {metadata.name}
          </Link>
        }
        narrow
        note={plural(spec.steps.length, 'sync')}
      />
    ),
  },
  { id: 'syncs', header: 'Syncs', align: 'right', width: 80, secondary: true, text: ({ spec }) => String(spec.steps.length), cell: ({ spec }) => spec.steps.length },
  { id: 'run', header: 'Last run', sort: 'lastRun', width: 130, text: ({ status }) => cellTime(status?.lastRun?.startedAt ?? status?.lastRun?.createdAt), cell: ({ status }) => <TimeAgo at={status?.lastRun?.startedAt ?? status?.lastRun?.createdAt} none="Never" /> },
  { id: 'next', header: 'Next run', width: 130, text: ({ status }) => cellTime(status?.nextRunAt), cell: ({ status }) => <TimeAgo at={status?.nextRunAt} /> },
  { id: 'schedule', header: 'Schedule', tertiary: true, width: 160, text: ({ spec }) => scheduleText(spec.schedule), cell: ({ spec }) => <span className="muted">{scheduleText(spec.schedule)}</span> },
  createdColumn,
  creatorColumn,
  folderColumn,
  labelsColumn,
  slugColumn,
]
