import { Button, Loader } from '@mantine/core'
import { IconCheck, IconCircle, IconX } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ErrorCard } from '~/components/feedback/ErrorCard'
import { saidFailed } from '~/components/feedback/toast'
import { ApiError } from '~/services/http'
import { cancelSwitch } from '~/services/storage'
import type { StorageSwitch } from '~/services/types'
import classes from './Storage.module.css'
import { stepsOf, type StepState } from './words'

function Sign({ state }: { state: StepState }) {
  if (state === 'done') return <IconCheck size={16} aria-label="Done" />
  if (state === 'undone') return <IconX size={16} aria-label="Did not work" />
  if (state === 'now') return <Loader size={14} role="img" aria-label="Under way" />
  return <IconCircle size={12} aria-label="To come" />
}

/** How far a switch of the storage is. */
export function SwitchProgress({ sw }: { sw: StorageSwitch }) {
  const client = useQueryClient()
  const cancel = useMutation({
    mutationFn: () => cancelSwitch(sw.id),
    onError: (error) => saidFailed('The switch goes on', error),
    onSettled: () => client.invalidateQueries({ queryKey: ['storage'] }),
  })
  const stoppable = sw.state === 'checking' || sw.state === 'waiting'
  return (
    <section className={classes.switch} aria-label="Switch of the storage">
      <div className="row" style={{ justifyContent: 'space-between' }}>
        <strong>Moving to {sw.to}</strong>
        {stoppable && (
          <Button variant="default" size="xs" loading={cancel.isPending || sw.cancelled} onClick={() => cancel.mutate()}>
            Cancel the switch
          </Button>
        )}
      </div>
      <ol className={classes.steps} aria-live="polite">
        {stepsOf(sw).map(({ label, state }) => (
          <li key={label} data-state={state}>
            <span className={classes.sign}>
              <Sign state={state} />
            </span>
            {label}
          </li>
        ))}
      </ol>
      {sw.error !== null && <ErrorCard error={new ApiError(422, sw.error)} title={sw.reverting ? 'The new storage did not work' : 'A step failed and is tried again'} />}
    </section>
  )
}
