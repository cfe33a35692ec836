import { IconBell, IconBrandSlack, IconMail, IconMessage, IconUrgent, IconWebhook, type Icon } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { plural } from '~/components/format/format'
import { TimeAgo } from '~/components/format/TimeAgo'
import { StatusBadge } from '~/components/status/StatusBadge'
import type { Column } from '~/components/table/DataTable'
import { NameCell } from '~/components/table/NameCell'
import type { AlertChannel, ChannelType } from '~/services/types'
import { levelsWords } from './words'

const icons: Record<ChannelType['slug'], Icon> = { email: IconMail, slack: IconBrandSlack, pagerduty: IconUrgent, sms: IconMessage, webhook: IconWebhook }

/** A sign for a type of alert channel. */
export function ChannelIcon({ type, size = 20 }: { type: string; size?: number }) {
  const ChannelSign = icons[type as ChannelType['slug']] ?? IconBell
  return <ChannelSign size={size} stroke={1.6} aria-hidden style={{ flex: 'none' }} />
}

/** How the last notice of a channel fared. */
function LastNotice({ channel: { status } }: { channel: AlertChannel }) {
  const last = status?.lastNotice ?? null
  if (last === null) return <span className="muted">None yet</span>
  const words = { sent: 'Sent', pending: 'Trying again', failed: 'Not delivered' }[last.state]
  const tone = { sent: 'good', pending: 'warn', failed: 'bad' } as const
  return (
    <span title={last.error}>
      <StatusBadge label={words} tone={tone[last.state]} />{' '}
      <span className="muted small">
        <TimeAgo at={last.at} />
      </span>
    </span>
  )
}

/** The columns of the list of channels; names of types come from the catalogue. */
export const channelColumns = (types: ChannelType[]): Column<AlertChannel>[] => [
  {
    id: 'name',
    header: 'Channel',
    fill: true,
    sort: 'name',
    cell: ({ metadata, spec }) => (
      <span className="row">
        <ChannelIcon type={spec.type} />
        <NameCell
          link={
            <Link to="/settings/alerts/$slug" params={{ slug: metadata.slug }} title={metadata.name}>
              {metadata.name}
            </Link>
          }
        />
      </span>
    ),
  },
  { id: 'type', header: 'Type', width: 110, cell: ({ spec }) => types.find(({ slug }) => slug === spec.type)?.name ?? spec.type },
  { id: 'levels', header: 'Hears of', width: 170, secondary: true, cell: ({ spec }) => levelsWords[spec.levels ?? 'all'] },
  { id: 'last', header: 'Last notice', width: 210, cell: (channel) => <LastNotice channel={channel} /> },
  { id: 'used', header: 'Used by', width: 110, secondary: true, cell: ({ status }) => plural(status?.useCount ?? 0, 'document') },
]
