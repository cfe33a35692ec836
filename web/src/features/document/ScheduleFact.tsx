import { IconAlertTriangle } from '@tabler/icons-react'
import { TimeAgo } from '~/components/format/TimeAgo'
import { scheduleText } from '~/components/schedule/schedule'
import type { Schedule, Skip } from '~/services/types'

interface Props {
  schedule: Schedule
  disabled: boolean
  status: { nextRunAt: string | null; lastSkip: Skip | null } | undefined
}

/** When a document runs by itself: in words, the next time, and the last that was skipped and why (FLD-21). */
export function ScheduleFact({ schedule, disabled, status }: Props) {
  return (
    <span>
      {scheduleText(schedule)}
      {status?.nextRunAt && !disabled && (
        <>
          , next run <TimeAgo at={status.nextRunAt} />
        </>
      )}
    </span>
  )
}

/** The last time at which a schedule did not start a run, and why. */
export function LastSkip({ skip }: { skip: Skip | null | undefined }) {
  if (!skip) return null
  return (
    <p className="row small" style={{ alignItems: 'flex-start' }}>
      <IconAlertTriangle size={15} aria-hidden style={{ flex: 'none', marginTop: 2, color: 'var(--warn-dot)' }} />
      <span>
        Last skipped <TimeAgo at={skip.at} />: {skip.message}.
      </span>
    </p>
  )
}
