import type { Settings } from '~/services/types'

export type Engine = 'basic' | 'lightning'

export const engineNames: Record<Engine, string> = { basic: 'Basic', lightning: 'Lightning' }

/** The engine of a source as it is stored: nothing stored is Basic. */
export const engineOf = (stored: string | undefined): Engine => (stored === 'lightning' ? 'lightning' : 'basic')

interface Granting {
  grants?: string
}

/** The SQL that gives the Lightning engine what it needs, with the names that the settings have. */
export function grantsFor(info: Granting, settings: Settings): string {
  const name = (field: string, otherwise: string) => {
    const value = settings[field]
    return (typeof value === 'string' && value !== '' ? value : otherwise).replaceAll('"', '""')
  }
  return (info.grants ?? '')
    .replaceAll('{planner}', () => name('plannerSchema', 'millrace_planner'))
    .replaceAll('{audit}', () => name('auditSchema', 'millrace_audit'))
    .replaceAll('{user}', () => name('user', 'millrace'))
}
