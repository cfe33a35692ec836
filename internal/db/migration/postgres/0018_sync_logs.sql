CREATE TABLE sync_logs (
  run_id BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  sync_id BIGINT NOT NULL,
  source_id BIGINT NOT NULL,
  snapshot BOOLEAN NOT NULL,
  changelog BOOLEAN NOT NULL,
  runs BOOLEAN NOT NULL,
  state TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  lease_until BIGINT NOT NULL DEFAULT 0,
  attempts BIGINT NOT NULL DEFAULT 0,
  done_at BIGINT NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  remark TEXT NOT NULL DEFAULT ''
);
CREATE INDEX sync_logs_due ON sync_logs (state, next_at);
CREATE INDEX sync_logs_of_sync ON sync_logs (sync_id, run_id);
CREATE INDEX sync_logs_of_source ON sync_logs (source_id, run_id);
