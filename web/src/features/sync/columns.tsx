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
import type { Sync } from '~/services/types'

/** The columns of every list of syncs (SY-02). */
export const syncColumns: Column<Sync>[] = [
  { id: 'status', header: 'Status', width: 120, cell: ({ status }) => <SyncStateBadge state={status?.state} /> },
  { id: 'alerts', header: 'Alerts', width: 104, cell: ({ metadata, status }) => <RollupBadge rollup={status?.alerts} slug={metadata.slug} /> },
  {
    id: 'name',
    header: 'Sync',
    fill: true,
    sort: 'name',
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
    secondary: true,
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
    secondary: true,
    cell: ({ spec, status }) => (
      <span className="row">
        <ConnectorIcon type={status?.destination.type ?? ''} size={20} />
        <Clip text={status?.destination.name ?? spec.destination} />
      </span>
    ),
  },
  { id: 'run', header: 'Last run', width: 140, cell: ({ status }) => <TimeAgo at={status?.lastRun?.startedAt ?? status?.lastRun?.createdAt} none="Never" /> },
  { id: 'schedule', header: 'Schedule', tertiary: true, cell: ({ spec }) => <span className="muted">{scheduleText(spec.schedule)}</span> },
  {
    id: 'created',
    header: 'Created',
    sort: 'createdAt',
    width: 170,
    secondary: true,
    cell: ({ metadata }) => (
      <span>
        <TimeAgo at={metadata.createdAt} />
        <small className="muted truncate" style={{ display: 'block', maxWidth: 160 }}>
          {metadata.createdBy}
        </small>
      </span>
    ),
  },
]
