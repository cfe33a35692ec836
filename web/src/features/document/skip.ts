import type { Skip } from '~/services/types'

interface Status {
  lastSkip: Skip | null
  lastRun: { createdAt: string } | null
}

/** The last skipped time, where no run was made since: it may be why there is none. */
export const skipSince = (status: Status | undefined): Skip | null =>
  status?.lastSkip && (status.lastRun === null || status.lastSkip.at > status.lastRun.createdAt) ? status.lastSkip : null
