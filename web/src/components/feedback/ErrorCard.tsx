import { Button } from '@mantine/core'
import { IconAlertCircle, IconRefresh } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { CopyButton } from './CopyButton'
import { errorWords } from './errors'
import classes from './feedback.module.css'

interface Props {
  error: unknown
  title?: string
  onRetry?: () => void
  retryLabel?: string
  children?: ReactNode
}

/** An error: what happened in the words of who said it, and what to do next. */
export function ErrorCard({ error, title, onRetry, retryLabel = 'Try again', children }: Props) {
  const words = errorWords(error)
  return (
    <div className={classes.error} role="alert">
      <IconAlertCircle size={18} aria-hidden className={classes.errorIcon} />
      <div className={classes.errorText}>
        {title !== undefined && <strong>{title}</strong>}
        <pre className={classes.verbatim}>{words.message}</pre>
        {words.suggestion !== undefined && words.suggestion !== '' && <p>{words.suggestion}</p>}
        {words.requestId !== undefined && <p className="muted small">Request {words.requestId}</p>}
        {children}
      </div>
      <div className={classes.errorActions}>
        <CopyButton value={words.message} label="Copy the message" />
        {onRetry !== undefined && (
          <Button variant="default" size="xs" leftSection={<IconRefresh size={14} />} onClick={onRetry}>
            {retryLabel}
          </Button>
        )}
      </div>
    </div>
  )
}
