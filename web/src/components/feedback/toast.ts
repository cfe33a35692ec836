import { notifications } from '@mantine/notifications'
import type { Problem } from '~/services/types'
import { errorWords } from './errors'

const shared = { withBorder: true, closeButtonProps: { 'aria-label': 'Dismiss' } }

/** Says that something was done. */
export function saidDone(message: string): void {
  notifications.show({ ...shared, message, color: 'mill' })
}

/** Says what did not keep something from being done, where there is any of it. */
export function saidWarnings(title: string, warnings: Problem[] | null | undefined): void {
  for (const { message, suggestion } of warnings ?? []) {
    notifications.show({ ...shared, title, message: [message, suggestion].filter(Boolean).join(' '), color: 'yellow', autoClose: 20_000 })
  }
}

/** Says that something failed, and what to do. */
export function saidFailed(title: string, error: unknown): void {
  const { message, suggestion } = errorWords(error)
  notifications.show({
    ...shared,
    title,
    message: suggestion ? `${message} ${suggestion}` : message,
    color: 'red',
    autoClose: 12_000,
  })
}
