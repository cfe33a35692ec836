import { Button } from '@mantine/core'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { TimeAgo } from '~/components/format/TimeAgo'
import { Card } from '~/components/page/Card'
import { Facts } from '~/components/page/Facts'
import { scheduleProblem, typeOf } from '~/components/schedule/schedule'
import { ScheduleEditor } from '~/components/schedule/ScheduleEditor'
import type { Schedule, Skip } from '~/services/types'
import { LastSkip } from './ScheduleFact'

interface Props {
  schedule: Schedule
  disabled: boolean
  status: { nextRunAt: string | null; lastSkip: Skip | null } | undefined
  /** From which intervals count. */
  lastRunAt: string | undefined
  onSave: (schedule: Schedule) => void
  saving: boolean
  /** Why it was not saved. */
  error: Error | null
}

/** When a document runs by itself: what is planned and what was skipped, and the schedule to change. */
export function ScheduleCard({ schedule: before, disabled, status, lastRunAt, onSave, saving, error }: Props) {
  const [schedule, setSchedule] = useState(before)
  const dirty = JSON.stringify(schedule) !== JSON.stringify(before)
  useUnsavedGuard(dirty && !saving)
  return (
    <div className="stack">
      {(typeOf(before) !== 'manual' || status?.lastSkip) && (
        <Card title="Planned">
          <div className="stack" style={{ gap: 8 }}>
            <Facts facts={[{ label: 'Next run', value: <NextRun status={status} disabled={disabled} /> }]} />
            <LastSkip skip={status?.lastSkip} />
          </div>
        </Card>
      )}
      <Card
        title="Schedule"
        actions={
          <>
            <Button variant="default" size="xs" disabled={!dirty} onClick={() => setSchedule(before)}>
              Discard
            </Button>
            <Button
              size="xs"
              disabled={!dirty || scheduleProblem(schedule) !== undefined}
              loading={saving}
              onClick={() => onSave(schedule)}
            >
              Save
            </Button>
          </>
        }
      >
        <ScheduleEditor value={schedule} onChange={setSchedule} lastRunAt={lastRunAt} />
      </Card>
      {error !== null && <ErrorCard error={error} title="The schedule was not saved" />}
    </div>
  )
}

/** How long a run may be due before somebody should look: workers look every second. */
const overdueMs = 60_000

function NextRun({ status, disabled }: Pick<Props, 'status' | 'disabled'>) {
  const [now] = useState(() => Date.now())
  if (disabled) return <span className="muted">None while the schedule is disabled</span>
  if (!status?.nextRunAt) return <span className="muted">None is planned</span>
  if (now - Date.parse(status.nextRunAt) < overdueMs) return <TimeAgo at={status.nextRunAt} />
  return (
    <span>
      Due since <TimeAgo at={status.nextRunAt} />: no worker has taken it up. Check that a server with the role worker is running.
    </span>
  )
}
