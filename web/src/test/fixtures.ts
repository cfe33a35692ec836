import type { Metadata, Run, Sync, SyncState } from '~/services/types'

/** Test data: documents and runs as the API gives them. */

export const fixtureMetadata = (slug: string): Metadata => ({
  id: 1,
  uuid: '00000000-0000-4000-8000-000000000001',
  slug,
  name: slug,
  labels: {},
  folder: null,
  revision: 1,
  createdAt: '2026-11-20T10:00:00.000Z',
  updatedAt: '2026-11-20T10:00:00.000Z',
  createdBy: 'admin@example.com',
  updatedBy: 'admin@example.com',
})

const none = { added: 0, changed: 0, removed: 0 }

export const fixtureRun = (more: Partial<Run> = {}): Run => ({
  id: 1,
  syncSlug: 'sync',
  syncId: 1,
  trigger: 'manual',
  state: 'committed',
  status: 'success',
  label: 'Completed',
  createdAt: '2026-11-20T10:00:00.000Z',
  startedAt: '2026-11-20T10:00:00.000Z',
  finishedAt: '2026-11-20T10:00:03.000Z',
  resumesAt: null,
  durationMs: 3000,
  progress: 1,
  rowsRead: 0,
  rows: { ...none, unchanged: 0, nullKey: 0, duplicate: 0, ignored: 0 },
  planned: none,
  succeeded: none,
  failed: none,
  aborted: none,
  inDoubt: 0,
  engine: 'basic',
  migrated: false,
  ratePerSecond: 0,
  options: { fullResync: false, resetCDC: false, clearAndFill: false },
  error: null,
  ...more,
})

export const fixtureSync = (slug: string, state: SyncState, lastRun: Run | null): Sync => ({
  kind: 'sync',
  metadata: fixtureMetadata(slug),
  spec: { model: 'm', destination: 'd', type: 't', mode: 'upsert', schedule: { type: 'manual' }, disabled: state === 'disabled' },
  status: {
    state,
    label: state,
    model: { slug: 'm', name: 'M' },
    source: { slug: 's', name: 'S', type: 'duckdb' },
    destination: { slug: 'd', name: 'D', type: 'file' },
    lastRun,
    nextRunAt: null,
    lastSkip: null,
    suspended: null,
    alerts: { level: 'ok', active: 0, warning: 0, critical: 0 },
  },
})
