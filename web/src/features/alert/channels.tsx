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

const noticeWords = { sent: 'Sent', pending: 'Trying again', failed: 'Not delivered' }

/** How the last notice of a channel fared. */
function LastNotice({ channel: { status } }: { channel: AlertChannel }) {
  const last = status?.lastNotice ?? null
  if (last === null) return <span className="muted">None yet</span>
  const words = noticeWords[last.state]
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
export function channelColumns(types: ChannelType[]): Column<AlertChannel>[] {
  const typeOf = ({ spec }: AlertChannel) => types.find(({ slug }) => slug === spec.type)?.name ?? spec.type
  const levels = ({ spec }: AlertChannel) => levelsWords[spec.levels ?? 'all']
  const used = ({ status }: AlertChannel) => plural(status?.useCount ?? 0, 'document')
  const last = ({ status }: AlertChannel) => (status?.lastNotice ? noticeWords[status.lastNotice.state] : 'None yet')
  return [
    {
      id: 'name',
      header: 'Channel',
      fill: true,
      sort: 'name',
      text: ({ metadata }) => `${metadata.name} ${metadata.slug}`,
      cell: ({ metadata, spec }) => (
        <NameCell
          icon={<ChannelIcon type={spec.type} />}
          link={
            <Link to="/settings/alerts/$slug" params={{ slug: metadata.slug }} title={metadata.name}>
              {metadata.name}
            </Link>
          }
        />
      ),
    },
    { id: 'type', header: 'Type', width: 94, sort: 'type', secondary: true, text: typeOf, cell: typeOf },
    { id: 'levels', header: 'Hears of', width: 142, sort: 'levels', secondary: true, text: levels, cell: levels },
    { id: 'last', header: 'Last notice', width: 216, sort: 'last', text: last, order: ({ status }) => status?.lastNotice?.at ?? '', cell: (channel) => <LastNotice channel={channel} /> },
    { id: 'used', header: 'Used by', width: 110, sort: 'used', secondary: true, text: used, cell: used },
  ]
}
