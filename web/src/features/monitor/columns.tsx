import { Link } from '@tanstack/react-router'
import { TimeAgo } from '~/components/format/TimeAgo'
import { StatusBadge } from '~/components/status/StatusBadge'
import type { Column } from '~/components/table/DataTable'
import { NameCell } from '~/components/table/NameCell'
import type { Monitor, MonitorType } from '~/services/types'

/** How the newest report to a monitor fared. */
export function LastReport({ monitor: { spec, status } }: { monitor: Monitor }) {
  const last = status?.lastReport ?? null
  if (last === null) return <span className="muted">{spec.disabled ? 'Off' : 'None yet'}</span>
  const label = { sent: 'Sent', pending: 'Trying again', failed: 'Not delivered' }[last.state]
  const tone = { sent: 'good', pending: 'warn', failed: 'bad' } as const
  return (
    <span title={last.error}>
      <StatusBadge label={label} tone={tone[last.state]} />{' '}
      <span className="muted small">
        <TimeAgo at={last.at} />
      </span>
    </span>
  )
}

/** The columns of the list of monitors; names of types come from the catalogue. */
export const monitorColumns = (types: MonitorType[]): Column<Monitor>[] => [
  {
    id: 'name',
    header: 'Monitor',
    fill: true,
    sort: 'name',
    cell: ({ metadata }) => (
      <NameCell
        link={
          <Link to="/settings/monitors/$slug" params={{ slug: metadata.slug }} title={metadata.name}>
            {metadata.name}
          </Link>
        }
      />
    ),
  },
  { id: 'type', header: 'Type', width: 110, cell: ({ spec }) => types.find(({ slug }) => slug === spec.type)?.name ?? spec.type },
  { id: 'reports', header: 'Reports runs', width: 130, secondary: true, cell: ({ spec }) => (spec.disabled ? 'No' : 'Yes') },
  { id: 'last', header: 'Last report', width: 220, cell: (monitor) => <LastReport monitor={monitor} /> },
]
