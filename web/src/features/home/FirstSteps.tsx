import { LinkButton } from '~/components/page/LinkButton'
import { IconCircle, IconCircleCheckFilled } from '@tabler/icons-react'
import { Card } from '~/components/page/Card'
import classes from './Home.module.css'

interface Props {
  done: Record<Step['id'], boolean>
}

interface Step {
  id: 'source' | 'model' | 'destination' | 'sync' | 'run' | 'alerts' | 'storage'
  title: string
  text: string
  to: string
  action: string
  /** Syncs run without it. */
  optional?: boolean
}

const steps: Step[] = [
  { id: 'source', title: 'Connect a source', text: 'Where your rows are. A sample dataset needs no credentials.', to: '/sources/new', action: 'Add source' },
  { id: 'model', title: 'Describe a model', text: 'Which rows matter, and what identifies them.', to: '/models/new', action: 'Add model' },
  { id: 'destination', title: 'Connect a destination', text: 'Where the rows should arrive. A local folder is enough to try.', to: '/destinations/new', action: 'Add destination' },
  { id: 'sync', title: 'Create a sync', text: 'How the rows become records, and when.', to: '/syncs/new', action: 'Add sync' },
  { id: 'run', title: 'Run it', text: 'See every row that was sent, and every answer.', to: '/syncs', action: 'Open syncs' },
  { id: 'alerts', title: 'Say who is told of trouble', text: 'By mail, Slack, PagerDuty, text message or webhook. Alerts show here all the same.', to: '/settings/alerts/new', action: 'Add channel', optional: true },
  { id: 'storage', title: 'Keep data in a bucket of your own', text: 'What syncs remember and the logs of runs. Until then they lie in this server’s storage.', to: '/settings/storage/new', action: 'Add storage', optional: true },
]

/** Whether a workspace has come as far as a first run. */
export const underWay = (done: Props['done']): boolean => steps.every(({ id, optional }) => optional === true || done[id])

/** The way from an empty workspace to a first run, and what is good to have then (ORG-06). */
export function FirstSteps({ done }: Props) {
  const next = steps.find((step) => !done[step.id])
  return (
    <Card title="First steps" flush>
      <ol className={classes.steps}>
        {steps.map((step) => (
          <li key={step.id} data-done={done[step.id]}>
            {done[step.id] ? (
              <IconCircleCheckFilled size={20} role="img" aria-label="Done" className={classes.done} />
            ) : (
              <IconCircle size={20} role="img" aria-label="To do" className={classes.open} />
            )}
            <div>
              <strong>{step.title}</strong>
              {step.optional === true && <span className="muted small"> Optional</span>}
              <p className="muted small">{step.text}</p>
            </div>
            {!done[step.id] && (
              <LinkButton to={step.to} size="xs" variant={step === next ? 'filled' : 'default'}>
                {step.action}
              </LinkButton>
            )}
          </li>
        ))}
      </ol>
    </Card>
  )
}
