import type { Orchestrator } from '~/services/types'

/** How a connection stands, in words. */
export function standing({ spec, status }: Pick<Orchestrator, 'spec' | 'status'>): string {
  if (spec.type === 'fivetran') return status.webhook === undefined ? 'Not connected yet' : `Webhook ${status.webhook}`
  if (status.failure !== undefined) return `The last question failed: ${status.failure}`
  return status.checkedAt === null ? 'Not asked yet: no schedule waits for it' : `Last asked ${new Date(status.checkedAt).toLocaleString()}`
}
