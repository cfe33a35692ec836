import { plural } from '~/components/format/format'
import type { SyncLogs, SyncLogTable, SyncLogTables } from '~/services/types'

/** The tables in the order in which they are offered, with what each has. */
export const logTables: { name: SyncLogTable; label: string; has: string }[] = [
  { name: 'snapshot', label: 'Sync snapshots', has: 'Each row of the model with its latest status. Replaced after every run.' },
  { name: 'changelog', label: 'Changelog', has: 'Every operation of every run, with what became of it. It grows with each run.' },
  { name: 'runs', label: 'Sync runs', has: 'Every run with its times, its error and its numbers.' },
]

/** What is saved: the tables that are chosen, and nothing where none is. */
export function cleanTables(tables: SyncLogTables): SyncLogTables | undefined {
  const chosen = logTables.filter(({ name }) => tables[name] === true)
  return chosen.length === 0 ? undefined : Object.fromEntries(chosen.map(({ name }) => [name, true]))
}

/** Whether both choose the same tables. */
export const sameTables = (a: SyncLogTables, b: SyncLogTables): boolean => logTables.every(({ name }) => (a[name] === true) === (b[name] === true))

/** What is waiting, in words; nothing where nothing does. */
export function waitingWords({ waiting }: Pick<SyncLogs, 'waiting'>): string | undefined {
  if (waiting === 0) return undefined
  return `${plural(waiting, 'run')} ${waiting === 1 ? 'waits' : 'wait'} to be written.`
}
