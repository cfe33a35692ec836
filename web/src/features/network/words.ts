import type { StateWords } from '~/components/status/states'
import type { Tunnel } from '~/services/types'

/** The words of a tunnel's state. */
export const tunnelStates: Record<Tunnel['status']['state'], StateWords> = {
  pending: { label: 'Pending', tone: 'idle' },
  connected: { label: 'Connected', tone: 'good' },
  disconnected: { label: 'Disconnected', tone: 'warn' },
  error: { label: 'Error', tone: 'bad' },
}

/** Where a tunnel goes, in one line. */
export function wayOf({ spec, status }: Tunnel): string {
  if (spec.type === 'reverse') return `${status.tunnelId ?? ''}, port ${status.tunnelPort ?? ''}`
  return `${spec.sshHost ?? ''} → ${spec.serviceHost ?? ''}:${spec.servicePort ?? ''}`
}

export interface Account {
  clientId: string
  clientEmail: string
}

/** What the key of a Google service account says of it, or what is wrong with the text. */
export function serviceAccountOf(text: string): Account | string {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return 'This is not JSON. Create a key of the type JSON and choose the whole file; P12 keys do not work.'
  }
  if (typeof parsed !== 'object' || parsed === null || !('type' in parsed) || parsed.type !== 'service_account') {
    return 'This is not the key of a service account.'
  }
  const clientEmail = 'client_email' in parsed ? parsed.client_email : undefined
  const clientId = 'client_id' in parsed ? parsed.client_id : undefined
  if (typeof clientEmail !== 'string' || !('private_key' in parsed)) return 'The key has no client_email or no private_key.'
  return { clientEmail, clientId: typeof clientId === 'string' ? clientId : '' }
}
