// Lets a run of the mock go through its states.
import { freshRun } from './store.mjs'

const steps = [
  ['querying', 'querying', 'Querying', 0],
  ['planning', 'querying', 'Querying', 0],
  ['delivering', 'processing', 'Processing', 0.4],
  ['delivering', 'processing', 'Processing', 0.6],
  ['delivering', 'processing', 'Processing', 0.85],
  ['settling', 'reporting', 'Processing', 1],
]

/** Starts a run and moves it on every stepMs. */
export function start(store, sync, trigger, options, stepMs) {
  const run = freshRun(store, sync, trigger, options)
  store.runs.push(run)
  const total = options.resetCDC ? 0 : 8421
  let i = 0
  const tick = () => {
    if (run.finishedAt !== null) return
    const step = steps[i++]
    if (step === undefined) finish(run, total)
    else advance(run, step, total)
    store.emit('run', run)
    if (run.finishedAt === null) setTimeout(tick, stepMs)
  }
  setTimeout(tick, stepMs)
  return run
}

function advance(run, [state, status, label, progress], total) {
  Object.assign(run, { state, status, label, progress })
  run.startedAt ??= new Date().toISOString()
  run.durationMs = Date.now() - Date.parse(run.startedAt)
  if (state === 'querying') return
  run.rowsRead = 8430
  run.planned = { added: total, changed: 0, removed: 0 }
  run.rows = { added: total, changed: 0, removed: 0, unchanged: 0, nullKey: 7, duplicate: 2, ignored: 0 }
  if (state === 'delivering') {
    run.succeeded = { added: Math.round(total * progress), changed: 0, removed: 0 }
    run.ratePerSecond = 2140
  }
}

function finish(run, total) {
  const now = new Date()
  const failed = total > 0 ? 4 : 0
  Object.assign(run, {
    state: 'committed',
    status: failed > 0 ? 'warning' : 'success',
    label: failed > 0 ? 'Completed with errors' : 'Completed',
    progress: 1,
    ratePerSecond: 0,
    finishedAt: now.toISOString(),
    durationMs: now.getTime() - new Date(run.startedAt).getTime(),
    succeeded: { added: total - failed, changed: 0, removed: 0 },
    failed: { added: failed, changed: 0, removed: 0 },
  })
}

export function cancel(store, run) {
  if (run.finishedAt !== null) return
  Object.assign(run, { state: 'cancelled', status: 'cancelled', label: 'Cancelled by user', finishedAt: new Date().toISOString(), durationMs: 2000 })
  store.emit('run', run)
}
