import { notifications } from '@mantine/notifications'
import { errorWords } from './errors'

const shared = { withBorder: true, closeButtonProps: { 'aria-label': 'Dismiss' } }

/** Says that something was done. */
export function saidDone(message: string): void {
  notifications.show({ ...shared, message, color: 'mill' })
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
