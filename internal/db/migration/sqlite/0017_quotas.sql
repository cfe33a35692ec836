CREATE TABLE quotas (
  workspace_id BIGINT NOT NULL,
  credential TEXT NOT NULL,
  class TEXT NOT NULL,
  ledger TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, credential, class)
);
CREATE INDEX quotas_expiring ON quotas (expires_at);

ALTER TABLE sync_runs ADD COLUMN resume_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sync_runs ADD COLUMN litter BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE sync_runs SET litter = TRUE;
CREATE INDEX sync_runs_litter ON sync_runs (id) WHERE litter;
