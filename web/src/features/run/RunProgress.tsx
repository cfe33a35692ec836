import { Progress } from '@mantine/core'
import { TimeAgo } from '~/components/format/TimeAgo'
import { count, plural } from '~/components/format/format'
import { Card } from '~/components/page/Card'
import { isActive } from '~/services/runs'
import type { OperationCounts, Run } from '~/services/types'
import { ignoredWords, queriedWords, rejectedCount, rejectedOf, sum, waitingCount } from './counts'
import classes from './Run.module.css'
import { phases, phaseIndex } from './phases'

interface FigureProps {
  label: string
  value: number
  parts?: OperationCounts
  tone?: 'good' | 'bad' | 'warn'
}

function Figure({ label, value, parts, tone }: FigureProps) {
  return (
    <div className={classes.figure}>
      <span className={classes.figureLabel}>{label}</span>
      <strong className={tone !== undefined && value > 0 ? classes[tone] : undefined}>{count(value)}</strong>
      {parts !== undefined && (
        <span className={classes.parts}>
          {count(parts.added)} added · {count(parts.changed)} changed · {count(parts.removed)} removed
        </span>
      )}
    </div>
  )
}

/** How far a run is, and its counts. */
export function RunProgress({ run }: { run: Run }) {
  const active = isActive(run)
  const waiting = waitingCount(run)
  const queried = queriedWords(run)
  const ignored = ignoredWords(run)
  return (
    <Card flush>
      {active && (
        <div className={classes.progress}>
          <ol className={classes.phases} aria-label="Phases">
            {phases.map((phase, i) => (
              <li key={phase} data-state={i < phaseIndex(run.state) ? 'done' : i === phaseIndex(run.state) ? 'current' : 'next'}>
                {phase}
              </li>
            ))}
          </ol>
          <Progress value={Math.round(run.progress * 100)} aria-label="Progress of the run" animated />
          {run.resumesAt && (
            <p className="small">
              Waits for the destination’s limits and goes on <TimeAgo at={run.resumesAt} />. No worker is kept waiting.
            </p>
          )}
          <p className="muted small num" aria-live="polite">
            {Math.round(run.progress * 100)} %
            {run.ratePerSecond > 0 && ` · ${plural(Math.round(run.ratePerSecond), 'row')} per second`}
          </p>
        </div>
      )}
      <div className={classes.figures}>
        <Figure label="Rows queried" value={run.rowsRead} />
        <Figure label="Operations" value={sum(run.planned)} parts={run.planned} />
        <Figure label="Successful" value={sum(run.succeeded)} parts={run.succeeded} tone="good" />
        <Figure label="Rejected" value={rejectedCount(run)} parts={rejectedOf(run)} tone="bad" />
        {active && waiting > 0 && <Figure label="Still to send" value={waiting} />}
        {run.inDoubt > 0 && <Figure label="In doubt" value={run.inDoubt} tone="warn" />}
      </div>
      {queried !== '' && (
        <p className={classes.passed}>
          Rows queried: {queried}
          {ignored !== '' && ` (${ignored})`}
        </p>
      )}
      {run.rows.duplicate > 0 && (
        <p className={classes.passed}>
          {run.expanded
            ? `Rejected elements of ${run.expanded}, which their array or another row has as well, and rows without an array are no operations: they were never to be sent.`
            : 'Rejected rows with a primary key that is not unique are no operations: they were never to be sent.'}
        </p>
      )}
      {run.options.resetCDC === true && !active && (
        <p className={classes.passed}>CDC was reset: nothing is sent, and the rows as they are count as synced.</p>
      )}
      {run.inDoubt > 0 && (
        <p className={classes.passed}>In doubt: the answer to these rows was lost, so they may or may not have arrived.</p>
      )}
    </Card>
  )
}
