import { Button } from '@mantine/core'
import { IconCircleCheck, IconPlugConnected } from '@tabler/icons-react'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { duration } from '~/components/format/format'
import classes from './Connection.module.css'
import type { ConnectionState } from './useConnectionTest'

interface Props {
  state: ConnectionState
  onTest: () => void
}

/** Tests a connection and says what came of it, in the words of the driver (S-03). */
export function ConnectionTest({ state, onTest }: Props) {
  if (state.kind === 'passed') {
    return (
      <div className={classes.passed} role="status">
        <IconCircleCheck size={18} aria-hidden />
        <span>
          The connection works. <span className="muted">Answered in {duration(state.durationMs)}.</span>
        </span>
      </div>
    )
  }
  if (state.kind === 'failed') {
    return <ErrorCard title="The connection test failed" error={state.error} onRetry={onTest} retryLabel="Test again" />
  }
  return (
    <div>
      <Button
        leftSection={<IconPlugConnected size={16} />}
        loading={state.kind === 'testing'}
        onClick={onTest}
      >
        Test connection
      </Button>
    </div>
  )
}
