import { Link } from '@tanstack/react-router'
import { IconArrowRight } from '@tabler/icons-react'
import { ConnectorIcon } from '~/components/brand/ConnectorIcon'
import { TimeAgo } from '~/components/format/TimeAgo'
import { scheduleText } from '~/components/schedule/schedule'
import { SyncStateBadge } from '~/components/status/StatusBadge'
import type { Column } from '~/components/table/DataTable'
import { RollupBadge } from '~/features/alert/AlertBadge'
import { Clip } from '~/components/table/Clip'
import { NameCell } from '~/components/table/NameCell'
import { cellTime, creatorColumn, folderColumn, labelsColumn, slugColumn } from '~/features/list/common'
import type { Sync } from '~/services/types'

/** The columns of every list of syncs (SY-02). Some are shown only where a person chooses them. */
export const syncColumns: Column<Sync>[] = [
  { id: 'status', header: 'Status', sort: 'status', width: 112, text: ({ status }) => status?.label ?? '', cell: ({ status }) => <SyncStateBadge state={status?.state} /> },
  { id: 'alerts', header: 'Alerts', width: 98, text: ({ status }) => String(status?.alerts.active ?? 0), cell: ({ metadata, status }) => <RollupBadge rollup={status?.alerts} slug={metadata.slug} /> },
  {
    id: 'name',
    header: 'Sync',
    fill: true,
    sort: 'name',
    text: ({ metadata }) => metadata.name,
    cell: ({ metadata, spec, status }) => (
      <NameCell
        link={
          <Link to="/syncs/$slug" params={{ slug: metadata.slug }} title={metadata.name}>
            {metadata.name}
          </Link>
        }
        narrow
        note={
          <>
            {status?.model.name ?? spec.model} <IconArrowRight size={11} aria-label="to" /> {status?.destination.name ?? spec.destination}
          </>
        }
      />
    ),
  },
  {
    id: 'model',
    header: 'Model',
    sort: 'model',
    width: 140,
    secondary: true,
    text: ({ spec, status }) => status?.model.name ?? spec.model,
    cell: ({ spec, status }) => (
      <Clip text={status?.model.name ?? spec.model}>
        <Link to="/models/$slug" params={{ slug: spec.model }}>
          {status?.model.name ?? spec.model}
        </Link>
      </Clip>
    ),
  },
  {
    id: 'destination',
    header: 'Destination',
    sort: 'destination',
    width: 156,
    secondary: true,
    text: ({ spec, status }) => status?.destination.name ?? spec.destination,
    cell: ({ spec, status }) => (
      <span className="row">
        <ConnectorIcon type={status?.destination.type ?? ''} size={20} />
        <Clip text={status?.destination.name ?? spec.destination} />
      </span>
    ),
  },
  { id: 'source', header: 'Source', width: 150, extra: true, text: ({ status }) => status?.source.name ?? '', cell: ({ status }) => <Clip text={status?.source.name ?? ''} /> },
  { id: 'run', header: 'Last run', sort: 'lastRun', width: 116, text: ({ status }) => cellTime(status?.lastRun?.startedAt ?? status?.lastRun?.createdAt), cell: ({ status }) => <TimeAgo at={status?.lastRun?.startedAt ?? status?.lastRun?.createdAt} none="Never" /> },
  { id: 'schedule', header: 'Schedule', tertiary: true, width: 160, text: ({ spec }) => scheduleText(spec.schedule), cell: ({ spec }) => <span className="muted">{scheduleText(spec.schedule)}</span> },
  {
    id: 'created',
    header: 'Created',
    sort: 'createdAt',
    width: 118,
    secondary: true,
    text: ({ metadata }) => cellTime(metadata.createdAt),
    cell: ({ metadata }) => (
      <span>
        <TimeAgo at={metadata.createdAt} />
        <small className="muted truncate" style={{ display: 'block', maxWidth: 100 }}>
          {metadata.createdBy}
        </small>
      </span>
    ),
  },
  creatorColumn,
  folderColumn,
  labelsColumn,
  slugColumn,
]
