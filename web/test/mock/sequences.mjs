// Lets a run of a sequence of the mock go through its steps, each a run of its sync.
import { Cron } from 'croner'
import { cancel, start } from './runs.mjs'
import { freshSequenceRun } from './store.mjs'

const labels = { success: 'Completed', warning: 'Completed with errors', failed: 'Failed', cancelled: 'Cancelled' }
const over = (run) => run.finishedAt !== null

/** Starts a run; where one is under way, the one that waits for it is the answer. */
export function startSequence(store, sequence, stepMs) {
  const open = store.sequenceRunsOf(sequence.metadata.slug).filter((run) => !over(run))
  const waiting = open.find((run) => run.state === 'pending')
  if (waiting) return waiting
  const run = freshSequenceRun(store, sequence, 'manual')
  store.sequenceRuns.push(run)
  if (open.length === 0) setTimeout(() => begin(store, sequence, run, stepMs), stepMs)
  return run
}

function begin(store, sequence, run, stepMs) {
  if (over(run)) return
  Object.assign(run, { state: 'running', label: 'Running', startedAt: new Date().toISOString() })
  run.steps = sequence.spec.steps.map(({ sync, terminate = 'rejected', rejected = {} }) => ({
    sync: { slug: sync, name: store.brief('syncs', sync).name }, terminate, limit: rejected, state: 'waiting', label: 'Waiting', runId: null,
    rejected: 0, startedAt: null, finishedAt: null, durationMs: 0, error: '', run: null,
  }))
  step(store, sequence, run, 0, stepMs)
}

function step(store, sequence, run, at, stepMs) {
  const now = new Date().toISOString()
  const here = run.steps[at]
  if (here === undefined) return end(store, sequence, run, 'done', stepMs)
  here.run = start(store, store.get('syncs', here.sync.slug), 'sequence', {}, stepMs)
  Object.assign(here, { state: 'running', label: 'Running', runId: here.run.id, startedAt: now })
  store.emit('sequence-run', run)
  const look = setInterval(() => {
    if (!over(here.run)) return
    clearInterval(look)
    const rejected = here.run.failed.added
    Object.assign(here, { state: here.run.status, label: labels[here.run.status], rejected, finishedAt: here.run.finishedAt, durationMs: here.run.durationMs, run: null })
    if (run.cancelRequested) return end(store, sequence, run, 'cancelled', stepMs)
    if (here.terminate === 'rejected' && rejected >= (here.limit.count ?? 1) && !here.limit.percent) return end(store, sequence, run, 'failed', stepMs, at)
    step(store, sequence, run, at + 1, stepMs)
  }, stepMs / 2)
}

function end(store, sequence, run, state, stepMs, at) {
  for (const s of run.steps) if (s.state === 'waiting') Object.assign(s, { state: 'skipped', label: 'Not reached' })
  const trouble = run.steps.some((s) => s.state !== 'success')
  const label = { done: trouble ? 'Completed with errors' : 'Completed', failed: 'Failed', cancelled: 'Cancelled by user' }[state]
  const finishedAt = new Date().toISOString()
  Object.assign(run, { state, label, finishedAt, durationMs: run.startedAt ? Date.parse(finishedAt) - Date.parse(run.startedAt) : 0 })
  if (state === 'failed') {
    const { sync, rejected } = run.steps[at]
    run.error = { code: 'sequence.stopped', message: `step ${at + 1}, the sync "${sync.slug}", ended the sequence: ${rejected} rows were rejected`, suggestion: 'Look at the run of the step.' }
  }
  store.emit('sequence-run', run)
  const next = store.sequenceRunsOf(sequence.metadata.slug).find((r) => r.state === 'pending')
  if (next) begin(store, sequence, next, stepMs)
}

export function cancelSequence(store, run) {
  if (over(run)) return
  run.cancelRequested = true
  const here = run.steps.find((s) => s.state === 'running')
  if (here) cancel(store, here.run)
  else Object.assign(run, { state: 'cancelled', label: 'Cancelled by user', finishedAt: new Date().toISOString() })
  store.emit('sequence-run', run)
}

const minutes = { minute: 1, hour: 60, day: 1440, week: 10080 }
const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']

/** When a schedule would start runs, nearly as the server reckons. */
export function preview({ schedule, count = 5, lastRunAt }) {
  const window = { paused: true, startAt: schedule.start, stopAt: schedule.end }
  if (schedule.type === 'interval') {
    const every = minutes[schedule.interval.unit] * schedule.interval.quantity * 60_000
    const first = Math.max(Date.now(), lastRunAt ? Date.parse(lastRunAt) + every : 0, schedule.start ? Date.parse(schedule.start) : 0)
    const all = Array.from({ length: count }, (_, i) => new Date(first + i * every).toISOString())
    return { runs: all.filter((at) => !schedule.end || at <= schedule.end) }
  }
  if (schedule.type === 'cron') return { runs: new Cron(schedule.cron, { ...window, timezone: 'UTC' }).nextRuns(count).map((at) => at.toISOString()) }
  const all = (schedule.recurrences ?? []).flatMap(({ days, time }) => {
    const [hour, minute] = time.split(':')
    const expression = `${Number(minute)} ${Number(hour)} * * ${days.map((d) => weekdays.indexOf(d)).join(',')}`
    return new Cron(expression, { ...window, timezone: schedule.zone }).nextRuns(count).map((at) => at.toISOString())
  })
  return { runs: [...new Set(all)].sort().slice(0, count) }
}
