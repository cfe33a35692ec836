import { Button } from '@mantine/core'
import { IconCircleCheck, IconPlugConnected } from '@tabler/icons-react'
import { useEffect, useRef } from 'react'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { errorWords } from '~/components/feedback/errors'
import { duration } from '~/components/format/format'
import { EgressNote } from '~/features/network/EgressNote'
import classes from './Connection.module.css'
import type { ConnectionState } from './useConnectionTest'

interface Props {
  state: ConnectionState
  onTest: () => void
  /** The test is what comes next on the page. */
  primary?: boolean
}

/** Tests a connection and says what came of it, in the words of the driver (S-03). */
export function ConnectionTest({ state, onTest, primary = false }: Props) {
  const failure = useRef<HTMLDivElement>(null)
  const failed = state.kind === 'failed'
  useEffect(() => {
    if (failed) failure.current?.scrollIntoView({ block: 'nearest' })
  }, [failed])
  if (state.kind === 'failed') {
    return (
      <div ref={failure} className={classes.failure}>
        <ErrorCard title="The connection test failed" error={state.error} onRetry={onTest} retryLabel="Test again">
          <EgressNote unless={errorWords(state.error).suggestion} />
        </ErrorCard>
      </div>
    )
  }
  const passed = state.kind === 'passed'
  return (
    <div className={classes.test} data-passed={passed || undefined}>
      {passed ? <IconCircleCheck size={18} aria-hidden /> : <IconPlugConnected size={18} aria-hidden />}
      <p role="status">
        {state.kind === 'passed' ? (
          <>
            The connection works. <span className="muted num">Answered in {duration(state.durationMs)}.</span>
          </>
        ) : (
          <span className="muted">{state.kind === 'testing' ? 'Connecting and checking permissions…' : 'Checks the address, the credentials and the permissions.'}</span>
        )}
      </p>
      <Button size="xs" variant={primary && !passed ? 'filled' : 'default'} loading={state.kind === 'testing'} onClick={onTest}>
        {passed ? 'Test again' : 'Test connection'}
      </Button>
    </div>
  )
}
