import type { ReactNode } from 'react'
import { AlertsTab } from '~/features/alert/AlertsTab'
import { MatchedUsers } from '~/features/audiencesize/MatchedUsers'
import { ActivityTab } from '~/features/document/ActivityTab'
import { EventQuality } from '~/features/eventquality/EventQuality'
import { LineageTab } from '~/features/lineage/LineageTab'
import { SyncLogsOfSync } from '~/features/synclog/SyncLogsTab'
import type { SyncSearch } from '~/routes/search'
import type { Sync } from '~/services/types'
import { ConfigurationTab } from './ConfigurationTab'
import { RunsTab } from './RunsTab'
import { ScheduleTab } from './ScheduleTab'

/** What a tab of the sync page is given. */
export interface SyncTabProps {
  sync: Sync
  search: SyncSearch
  /** Changes the page's address; what it does not name stays. */
  onSearch: (change: SyncSearch) => void
}

interface SyncTab {
  value: string
  label: string
  /** A count beside the label. */
  count?: (sync: Sync) => number | undefined
  content: (props: SyncTabProps) => ReactNode
}

/** The tabs of the sync page in their order (SY-07). */
export const syncTabs: SyncTab[] = [
  {
    value: 'runs',
    label: 'Runs',
    content: ({ sync, search, onSearch }) => (
      <div className="stack">
        <MatchedUsers sync={sync} />
        <EventQuality sync={sync} />
        <RunsTab
          sync={sync}
          wanted={search.runs ?? 'all'}
          onWant={(wanted) => onSearch({ tab: 'runs', runs: wanted === 'all' ? undefined : wanted })}
        />
      </div>
    ),
  },
  {
    value: 'configuration',
    label: 'Configuration',
    content: ({ sync, onSearch }) => <ConfigurationTab sync={sync} onTest={() => onSearch({ test: 'row' })} />,
  },
  { value: 'schedule', label: 'Schedule', content: ({ sync }) => <ScheduleTab key={sync.metadata.revision} sync={sync} /> },
  {
    value: 'alerts',
    label: 'Alerts',
    count: ({ status }) => status?.alerts.active || undefined,
    content: ({ sync }) => <AlertsTab sync={sync} />,
  },
  { value: 'sync-logs', label: 'Sync logs', content: ({ sync }) => <SyncLogsOfSync key={sync.metadata.revision} sync={sync} /> },
  { value: 'lineage', label: 'Lineage', content: ({ sync }) => <LineageTab of={{ kind: 'sync', slug: sync.metadata.slug }} /> },
  { value: 'activity', label: 'Activity', content: ({ sync }) => <ActivityTab kind="syncs" slug={sync.metadata.slug} /> },
]
