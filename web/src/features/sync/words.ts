import type { DeleteBehavior, Mode, SyncType } from '~/services/types'

interface Words {
  label: string
  help: string
}

/** The modes in words (SY-18). */
export const modeWords: Record<Mode, Words> = {
  upsert: { label: 'Upsert', help: 'Creates records that are new and updates those that exist.' },
  update: { label: 'Update', help: 'Updates records that exist; rows without a record are rejected.' },
  insert: { label: 'Insert', help: 'Creates a record for each new row; later changes are not sent.' },
  add: { label: 'Add', help: 'Adds members; rows that leave the model stay members.' },
  remove: { label: 'Remove', help: 'Takes the rows of the model out of the list.' },
  archive: { label: 'Archive', help: 'Archives the records that the rows match.' },
  all: { label: 'All', help: 'Sends every row in every run and replaces what was there.' },
  snapshot: { label: 'Snapshot', help: 'Writes all current rows in every run, beside what earlier runs wrote.' },
  diff: { label: 'Diff', help: 'Writes only what was added, changed or removed since the last run.' },
  trigger: { label: 'By trigger', help: 'Sends a request for each kind of change that has a trigger.' },
}

/** What happens to rows that leave the model (SY-15). */
export const deleteWords: Record<DeleteBehavior, Words> = {
  nothing: { label: 'Do nothing', help: 'The record stays as it is.' },
  clear: { label: 'Clear fields', help: 'The record stays; its mapped fields are emptied.' },
  delete: { label: 'Delete destination record', help: 'The record is deleted, so that the destination mirrors the model.' },
  remove: { label: 'Remove from the list', help: 'The record leaves the list and stays otherwise.' },
  archive: { label: 'Archive', help: 'The record is archived; it can be brought back there.' },
  unsubscribe: { label: 'Unsubscribe', help: 'The consent to be written to is revoked.' },
  complete: { label: 'Mark complete', help: 'The task is marked as done.' },
}

/** What can happen in a mode to rows that leave the model, doing nothing first. */
export function deletesIn(type: SyncType, mode: Mode): DeleteBehavior[] {
  const deletes = type.byMode?.[mode]?.deletes ?? type.deletes ?? []
  return [...new Set<DeleteBehavior>(['nothing', ...deletes])]
}

/** The configuration's delete behavior in another mode: as it is where the mode has it, else what the mode proposes. */
export function deleteIn(type: SyncType, mode: Mode, chosen: DeleteBehavior | undefined): DeleteBehavior {
  const proposed = type.byMode?.[mode]?.defaultDelete || 'nothing'
  if (chosen === undefined || chosen === 'nothing') return proposed
  return deletesIn(type, mode).includes(chosen) ? chosen : proposed
}

/** Whether the rows must be matched to records in this mode (SY-21). */
export const needsMatch = (type: SyncType, mode: Mode): boolean => type.match.modes?.includes(mode) ?? false

/** Whether a full resync may create duplicates (SY-12). */
export const resyncDuplicates = (mode: Mode): boolean => mode === 'insert' || mode === 'trigger' || mode === 'diff'

/** Why no single row can be sent as a test; nothing where one can (SY-11). */
export function untestable(type: SyncType, mode: Mode): string | undefined {
  if (mode === 'all') return 'This sync replaces everything that its target holds, so a single row would be all that is left.'
  if (mode === 'snapshot' || type.deferred === true) return 'This sync writes files, which are whole only with all rows of a run.'
  return undefined
}
