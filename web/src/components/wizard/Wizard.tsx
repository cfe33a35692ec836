import { Button } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import classes from './Wizard.module.css'

interface StepsProps {
  steps: string[]
  current: number
  /** Leads back to a step that is done. */
  onStep?: (index: number) => void
}

/** Where one is in a flow of several steps. */
export function Steps({ steps, current, onStep }: StepsProps) {
  return (
    <ol className={classes.steps} aria-label="Steps">
      {steps.map((step, i) => {
        const done = i < current
        const sign = <span className={classes.sign}>{done ? <IconCheck size={12} aria-hidden /> : i + 1}</span>
        return (
          <li key={step} data-state={done ? 'done' : i === current ? 'current' : 'next'} aria-current={i === current ? 'step' : undefined}>
            {done && onStep !== undefined ? (
              <button type="button" onClick={() => onStep(i)}>
                {sign}
                {step}
              </button>
            ) : (
              <span className={classes.step}>
                {sign}
                {step}
              </span>
            )}
          </li>
        )
      })}
    </ol>
  )
}

interface FootProps {
  onBack?: () => void
  next: string
  onNext: () => void
  disabled?: boolean
  loading?: boolean
  /** Why one cannot continue, or what comes next. */
  note?: ReactNode
  extra?: ReactNode
}

/** The bar with the way back and the way on. */
export function WizardFoot({ onBack, next, onNext, disabled, loading, note, extra }: FootProps) {
  return (
    <footer className={classes.foot}>
      {onBack !== undefined && (
        <Button variant="default" onClick={onBack}>
          Back
        </Button>
      )}
      <span className={classes.note}>{note}</span>
      {extra}
      <Button onClick={onNext} disabled={disabled} loading={loading}>
        {next}
      </Button>
    </footer>
  )
}
