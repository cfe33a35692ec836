import { Button } from '@mantine/core'
import { useState } from 'react'
import { useUnsavedGuard } from '~/components/confirm/confirm'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { Card } from '~/components/page/Card'
import { scheduleProblem } from '~/components/schedule/schedule'
import { ScheduleEditor } from '~/components/schedule/ScheduleEditor'
import type { Sync } from '~/services/types'
import { useSaveSync } from './save'

/** When a sync runs by itself. */
export function ScheduleTab({ sync }: { sync: Sync }) {
  const before = sync.spec.schedule
  const [schedule, setSchedule] = useState(before)
  const save = useSaveSync(sync, () => undefined)
  const dirty = JSON.stringify(schedule) !== JSON.stringify(before)
  useUnsavedGuard(dirty && !save.isPending)
  return (
    <div className="stack">
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
              loading={save.isPending}
              onClick={() => save.mutate({ ...sync.spec, schedule })}
            >
              Save
            </Button>
          </>
        }
      >
        <ScheduleEditor value={schedule} onChange={setSchedule} />
      </Card>
      {save.isError && <ErrorCard error={save.error} title="The schedule was not saved" />}
    </div>
  )
}
