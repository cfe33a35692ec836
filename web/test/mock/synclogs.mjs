// What the mock writes into the warehouses of its sources.

const tables = { snapshot: 'sync_snapshot', changelog: 'sync_changelog', runs: 'sync_runs' }

/** An audit schema of this name cannot be written in. */
const denied = 'denied'

const examples = (schema) => [
  {
    title: 'The most common errors',
    tables: ['snapshot'],
    sql: `SELECT failure_reason, count(*) AS failures\nFROM "${schema}"."sync_snapshot"\nWHERE failure_reason IS NOT NULL\nGROUP BY failure_reason\nORDER BY failures DESC`,
  },
  {
    title: 'The rows that are in each model now',
    tables: ['snapshot', 'runs'],
    sql: `SELECT DISTINCT r.model_name, s.row_id\nFROM "${schema}"."sync_snapshot" AS s\nJOIN (SELECT DISTINCT sync_id, model_name FROM "${schema}"."sync_runs") AS r ON r.sync_id = s.sync_id\nWHERE s.status <> 'failed'\nORDER BY r.model_name, s.row_id`,
  },
]

const chosen = (spec) => Object.keys(tables).some((name) => spec.syncLogs?.[name])

/** What is written of the syncs of a source, or of one of them, and how that stands. */
export function syncLogs(store, source, sync, info) {
  const { spec, metadata } = source
  const schema = spec.configuration.auditSchema ?? 'millrace_audit'
  const reason = !info?.syncLogs ? `${info?.name ?? spec.type} has no sync logs` : spec.engine !== 'lightning' ? 'sync logs need the Lightning engine' : null
  const syncs = sync ? [sync] : store.list('syncs').filter((one) => store.documents.models.get(one.spec.model)?.spec.source === metadata.slug)
  const ended = syncs.filter((one) => chosen(spec) || chosen(one.spec)).flatMap((one) => store.runsOf(one.metadata.slug).filter((run) => run.finishedAt).slice(0, 1))
  const last = reason === null ? ended.sort((a, b) => b.id - a.id)[0] : undefined
  const failed = last !== undefined && schema === denied
  const of = last && store.brief('syncs', last.syncSlug)
  return {
    reason,
    source: store.brief('sources', metadata.slug),
    tables: Object.entries(tables).map(([name, table]) => ({ name, table: `${schema}.${table}`, bySource: spec.syncLogs?.[name] === true, bySync: sync?.spec.syncLogs?.[name] === true })),
    written: last && !failed ? { runId: last.id, sync: { slug: of.slug, name: of.name }, at: last.finishedAt } : null,
    waiting: failed ? 1 : 0,
    since: failed ? last.finishedAt : null,
    nextAt: failed ? new Date(Date.now() + 600_000).toISOString() : null,
    error: failed
      ? { code: 'source.permission_denied', message: `writing in the schema "${schema}": ERROR: permission denied for schema ${schema} (SQLSTATE 42501)`, suggestion: 'Test the source’s connection: it names the grant that is missing.' }
      : null,
    givenUp: null,
    giveUpHours: 72,
    queries: reason === null ? examples(schema) : [],
  }
}
