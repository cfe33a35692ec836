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

const total = ({ added, changed, removed }) => added + changed + removed

/** What the runs did on each of the last days of a zone, before which nearly the same happened every day. */
export function days(store, zone, n) {
  const dayOf = (at) => new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(at)
  const past = store.runs.length > 0
  const all = Array.from({ length: n }, (_, i) => {
    const back = n - 1 - i
    const day = dayOf(new Date(Date.now() - back * 86_400_000))
    if (!past || back === 0) return { day, runs: 0, failed: 0, sent: 0, rejected: 0 }
    return { day, runs: 24, failed: back % 6 === 2 ? 2 : 0, sent: 4000 + ((back * 1733) % 5200), rejected: back % 4 === 1 ? 310 : 12 }
  })
  for (const run of store.runs) {
    const of = run.finishedAt && all.find(({ day }) => day === dayOf(new Date(run.finishedAt)))
    if (!of) continue
    of.runs++
    of.failed += run.state === 'failed' ? 1 : 0
    of.sent += total(run.succeeded)
    of.rejected += total(run.failed) + total(run.aborted) + run.rows.duplicate
  }
  return { zone, days: all }
}
