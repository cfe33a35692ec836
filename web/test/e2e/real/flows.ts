import type { Page } from '@playwright/test'
import { applyDocuments } from './steps'

/** What a flow of rows is made of, by slugs that also serve as names. */
export interface Flow {
  source: string
  model: string
  destination: string
  syncs: string[]
  /** The model's query. */
  sql?: string
}

/** Makes a sample source, a model on it, a local folder, and syncs from the one to the other. */
export async function addFlow(page: Page, { source, model, destination, syncs, sql = 'SELECT 1 AS id, 2 AS n' }: Flow): Promise<void> {
  const document = (kind: string, slug: string, spec: object) => ({ kind, metadata: { slug, name: slug }, spec })
  const rest = { type: 'file', mode: 'insert', delete: 'nothing', allColumns: true, schedule: { type: 'manual' }, disabled: false }
  await applyDocuments(page, [
    document('source', source, { type: 'sample-b2c', configuration: {} }),
    document('model', model, { source, method: 'sql', sql, primaryKey: 'id', columns: [{ name: 'id', type: 'number' }, { name: 'n', type: 'number' }] }),
    document('destination', destination, { type: 'local', configuration: { path: destination } }),
    ...syncs.map((slug) => document('sync', slug, { model, destination, ...rest, settings: { format: 'csv', filename: `${slug}.csv` } })),
  ])
}
