import { Link } from '@tanstack/react-router'
import { TimeAgo } from '~/components/format/TimeAgo'
import { StatusBadge } from '~/components/status/StatusBadge'
import type { Column } from '~/components/table/DataTable'
import { NameCell } from '~/components/table/NameCell'
import type { Monitor, MonitorType } from '~/services/types'

const reportWords = { sent: 'Sent', pending: 'Trying again', failed: 'Not delivered' }

/** How the newest report to a monitor fared. */
export function LastReport({ monitor: { spec, status } }: { monitor: Monitor }) {
  const last = status?.lastReport ?? null
  if (last === null) return <span className="muted">{spec.disabled ? 'Off' : 'None yet'}</span>
  const label = reportWords[last.state]
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
export function monitorColumns(types: MonitorType[]): Column<Monitor>[] {
  const typeOf = ({ spec }: Monitor) => types.find(({ slug }) => slug === spec.type)?.name ?? spec.type
  const reports = ({ spec }: Monitor) => (spec.disabled ? 'No' : 'Yes')
  const last = ({ status }: Monitor) => (status?.lastReport ? reportWords[status.lastReport.state] : '')
  return [
    {
      id: 'name',
      header: 'Monitor',
      fill: true,
      sort: 'name',
      text: ({ metadata }) => `${metadata.name} ${metadata.slug}`,
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
    { id: 'type', header: 'Type', width: 110, sort: 'type', secondary: true, text: typeOf, cell: typeOf },
    { id: 'reports', header: 'Reports runs', width: 130, sort: 'reports', secondary: true, text: reports, cell: reports },
    { id: 'last', header: 'Last report', width: 216, sort: 'last', text: last, order: ({ status }) => status?.lastReport?.at ?? '', cell: (monitor) => <LastReport monitor={monitor} /> },
  ]
}
