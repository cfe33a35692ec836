CREATE TABLE schedules (
  document_id BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  revision BIGINT NOT NULL DEFAULT 0,
  stale BOOLEAN NOT NULL DEFAULT FALSE,
  next_run_at BIGINT NOT NULL DEFAULT 0,
  skipped_at BIGINT NOT NULL DEFAULT 0,
  skip_reason TEXT NOT NULL DEFAULT '',
  skip_message TEXT NOT NULL DEFAULT ''
);
CREATE INDEX schedules_due ON schedules (next_run_at);
CREATE INDEX schedules_stale ON schedules (stale);
INSERT INTO schedules (document_id, workspace_id, kind, revision, next_run_at)
  SELECT s.sync_id, s.workspace_id, 'sync', s.scheduled_revision, s.next_run_at
  FROM sync_state AS s JOIN documents AS d ON d.id = s.sync_id;
DROP INDEX sync_state_due;
ALTER TABLE sync_state DROP COLUMN next_run_at;
ALTER TABLE sync_state DROP COLUMN scheduled_revision;

CREATE TABLE sequence_state (
  sequence_id BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  active_run_id BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE sequence_runs (
  id BIGINT PRIMARY KEY,
  uuid TEXT NOT NULL UNIQUE,
  workspace_id BIGINT NOT NULL,
  sequence_id BIGINT NOT NULL,
  sequence_slug TEXT NOT NULL,
  revision BIGINT NOT NULL DEFAULT 0,
  trigger TEXT NOT NULL,
  state TEXT NOT NULL,
  cancel_requested BOOLEAN NOT NULL DEFAULT FALSE,
  created_at BIGINT NOT NULL,
  started_at BIGINT NOT NULL DEFAULT 0,
  finished_at BIGINT NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX sequence_runs_by_sequence ON sequence_runs (workspace_id, sequence_id, id DESC);
CREATE INDEX sequence_runs_by_state ON sequence_runs (state);
CREATE TABLE sequence_steps (
  sequence_run_id BIGINT NOT NULL,
  position BIGINT NOT NULL,
  sync_slug TEXT NOT NULL,
  sync_id BIGINT NOT NULL DEFAULT 0,
  terminate TEXT NOT NULL,
  max_count BIGINT NOT NULL DEFAULT 0,
  max_percent DOUBLE PRECISION NOT NULL DEFAULT 0,
  run_id BIGINT NOT NULL DEFAULT 0,
  own BOOLEAN NOT NULL DEFAULT FALSE,
  state TEXT NOT NULL,
  rejected BIGINT NOT NULL DEFAULT 0,
  started_at BIGINT NOT NULL DEFAULT 0,
  finished_at BIGINT NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (sequence_run_id, position)
);
CREATE INDEX sequence_steps_by_run ON sequence_steps (run_id);
