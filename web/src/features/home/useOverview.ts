import { useQueries } from '@tanstack/react-query'
import { allQuery } from '~/services/documents'
import type { Sync } from '~/services/types'
import { statesOf, type Health } from './health'

/** How many syncs home shows at most of one sort. */
const shown = 12

const parts = ['healthy', 'busy', 'attention', 'idle'] as const

export interface Overview {
  health: Health
  /** Those whose last runs are the newest. */
  recent: Sync[]
  /** Those that failed, stand half done, or alert. */
  troubled: Sync[]
}

/** How all syncs are doing, however many there are: the server counts them. */
export function useOverview() {
  const lists = [{ sort: '-lastRun', limit: shown }, { status: statesOf('attention'), sort: '-lastRun', limit: shown }, { alerts: 'any', limit: shown }]
  const filters = [...parts.map((part) => ({ status: statesOf(part), limit: 1 })), ...lists]
  return useQueries({
    queries: filters.map((filter) => allQuery('syncs', filter)),
    combine: (results) => {
      const [healthy, busy, attention, idle, recent, failed, alerting] = results.map(({ data }) => data)
      const error = results.find((one) => one.error !== null)?.error ?? null
      const refetch = () => results.forEach((one) => void one.refetch())
      if (!healthy || !busy || !attention || !idle || !recent || !failed || !alerting) return { data: undefined, error, refetch }
      const troubled = new Map([...failed.items, ...alerting.items].map((sync) => [sync.metadata.slug, sync]))
      const data: Overview = {
        health: { healthy: healthy.total, busy: busy.total, attention: attention.total, idle: idle.total },
        recent: recent.items,
        troubled: [...troubled.values()],
      }
      return { data, error, refetch }
    },
  })
}
