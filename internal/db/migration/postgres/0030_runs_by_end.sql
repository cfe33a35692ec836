-- Rows that arrived, and rows whose change was seen and did not arrive.
ALTER TABLE sync_runs ADD COLUMN sent BIGINT GENERATED ALWAYS AS (
  coalesce((nullif(counts, '')::jsonb #>> '{succeeded,added}')::bigint, 0)
  + coalesce((nullif(counts, '')::jsonb #>> '{succeeded,changed}')::bigint, 0)
  + coalesce((nullif(counts, '')::jsonb #>> '{succeeded,removed}')::bigint, 0)
) STORED;
ALTER TABLE sync_runs ADD COLUMN rejected BIGINT GENERATED ALWAYS AS (
  coalesce((nullif(counts, '')::jsonb #>> '{failed,added}')::bigint, 0)
  + coalesce((nullif(counts, '')::jsonb #>> '{failed,changed}')::bigint, 0)
  + coalesce((nullif(counts, '')::jsonb #>> '{failed,removed}')::bigint, 0)
  + coalesce((nullif(counts, '')::jsonb #>> '{aborted,added}')::bigint, 0)
  + coalesce((nullif(counts, '')::jsonb #>> '{aborted,changed}')::bigint, 0)
  + coalesce((nullif(counts, '')::jsonb #>> '{aborted,removed}')::bigint, 0)
  + coalesce((nullif(counts, '')::jsonb #>> '{duplicates}')::bigint, 0)
) STORED;
CREATE INDEX sync_runs_by_end ON sync_runs (workspace_id, finished_at);
