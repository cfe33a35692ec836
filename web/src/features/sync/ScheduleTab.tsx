import { ScheduleCard } from '~/features/document/ScheduleCard'
import type { Sync } from '~/services/types'
import { useSaveSync } from './save'

/** When a sync runs by itself. */
export function ScheduleTab({ sync }: { sync: Sync }) {
  const { spec, status } = sync
  const save = useSaveSync(sync, () => undefined)
  return (
    <ScheduleCard
      schedule={spec.schedule}
      disabled={spec.disabled}
      status={status}
      lastRunAt={status?.lastRun?.finishedAt ?? undefined}
      onSave={(schedule) => save.mutate({ ...spec, schedule })}
      saving={save.isPending}
      error={save.error}
    />
  )
}
