import { Button, Modal } from '@mantine/core'
import { useCallback, useMemo, useState, type ReactNode } from 'react'
import { ConfirmContext, type ConfirmQuestion } from './confirm'

interface Open extends ConfirmQuestion {
  answer: (yes: boolean) => void
}

/** Shows one question at a time and waits for its answer. */
export function ConfirmProvider({ children }: { children: ReactNode }) {
  const [open, setOpen] = useState<Open | null>(null)
  const ask = useCallback(
    (question: ConfirmQuestion) => new Promise<boolean>((answer) => setOpen({ ...question, answer })),
    [],
  )
  const value = useMemo(() => ({ ask }), [ask])
  const close = (yes: boolean) => {
    open?.answer(yes)
    setOpen(null)
  }
  return (
    <ConfirmContext value={value}>
      {children}
      <Modal opened={open !== null} onClose={() => close(false)} title={<strong>{open?.title}</strong>} size="md">
        <div className="stack">
          <div>{open?.body}</div>
          <div className="row" style={{ justifyContent: 'flex-end' }}>
            <Button variant="default" onClick={() => close(false)} data-autofocus>
              {open?.cancel ?? 'Cancel'}
            </Button>
            <Button color={open?.danger ? 'red.8' : undefined} onClick={() => close(true)}>
              {open?.confirm}
            </Button>
          </div>
        </div>
      </Modal>
    </ConfirmContext>
  )
}
