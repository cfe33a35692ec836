CREATE TABLE sync_runs (
  id BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  sync_id BIGINT NOT NULL,
  sync_slug TEXT NOT NULL,
  trigger TEXT NOT NULL,
  options TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL,
  status TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  started_at BIGINT NOT NULL DEFAULT 0,
  finished_at BIGINT NOT NULL DEFAULT 0,
  pinned TEXT NOT NULL DEFAULT '',
  counts TEXT NOT NULL DEFAULT '',
  error TEXT NOT NULL DEFAULT '',
  epoch BIGINT NOT NULL DEFAULT 0,
  lease_owner TEXT NOT NULL DEFAULT '',
  lease_until BIGINT NOT NULL DEFAULT 0,
  cancel_requested BOOLEAN NOT NULL DEFAULT FALSE,
  last_heartbeat BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX sync_runs_by_sync ON sync_runs (workspace_id, sync_id, id DESC);
CREATE INDEX sync_runs_by_state ON sync_runs (state);

CREATE TABLE sync_state (
  sync_id BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  epoch BIGINT NOT NULL DEFAULT 0,
  active_run_id BIGINT NOT NULL DEFAULT 0,
  baseline TEXT NOT NULL DEFAULT '',
  mapping_hash TEXT NOT NULL DEFAULT '',
  target_fingerprint TEXT NOT NULL DEFAULT '',
  primary_key TEXT NOT NULL DEFAULT '',
  pending_reset TEXT NOT NULL DEFAULT '',
  last_run_id BIGINT NOT NULL DEFAULT 0,
  next_run_at BIGINT NOT NULL DEFAULT 0,
  scheduled_revision BIGINT NOT NULL DEFAULT 0,
  updated_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX sync_state_due ON sync_state (next_run_at);

CREATE TABLE run_journal (
  run_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (run_id, seq)
);

CREATE TABLE run_segments (
  run_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  seq BIGINT NOT NULL,
  path TEXT NOT NULL,
  first_ordinal BIGINT NOT NULL,
  last_ordinal BIGINT NOT NULL,
  rows BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (run_id, kind, seq)
);
CREATE INDEX run_segments_expiring ON run_segments (expires_at);

CREATE TABLE usage_syncs (
  workspace_id BIGINT NOT NULL,
  month TEXT NOT NULL,
  sync_id BIGINT NOT NULL,
  runs BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, month, sync_id)
);
CREATE TABLE usage_operations (
  workspace_id BIGINT NOT NULL,
  month TEXT NOT NULL,
  operations BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, month)
);

CREATE TABLE connector_state (
  workspace_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  document_id BIGINT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, kind, document_id, key)
);
CREATE TABLE source_schema_cache (
  source_id BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  tables TEXT NOT NULL,
  refreshed_at BIGINT NOT NULL
);
