-- What is known of the manifest of each dbt project. Rows of dbt_nodes whose load is not the manifest's are leftovers of
-- loads that did not come to their end.
CREATE TABLE dbt_manifests (
  project_id BIGINT PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
  workspace_id BIGINT NOT NULL,
  load TEXT NOT NULL,
  version BIGINT NOT NULL,
  dbt_version TEXT NOT NULL,
  adapter TEXT NOT NULL,
  project TEXT NOT NULL,
  models BIGINT NOT NULL,
  analyses BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  generated_at BIGINT NOT NULL,
  loaded_at BIGINT NOT NULL,
  loaded_by TEXT NOT NULL
);
CREATE TABLE dbt_nodes (
  project_id BIGINT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
  load TEXT NOT NULL,
  unique_id TEXT NOT NULL,
  name TEXT NOT NULL,
  node TEXT NOT NULL,
  code TEXT NOT NULL,
  columns TEXT NOT NULL,
  PRIMARY KEY (project_id, load, unique_id)
);
-- How the manifests of projects are fetched whose manifests nobody loads.
CREATE TABLE dbt_refreshes (
  project_id BIGINT PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
  workspace_id BIGINT NOT NULL,
  state TEXT NOT NULL,
  seen TEXT NOT NULL DEFAULT '',
  again BIGINT NOT NULL DEFAULT 0,
  next_at BIGINT NOT NULL,
  lease TEXT NOT NULL DEFAULT '',
  lease_until BIGINT NOT NULL DEFAULT 0,
  failures BIGINT NOT NULL DEFAULT 0,
  checked_at BIGINT NOT NULL DEFAULT 0,
  failure TEXT NOT NULL DEFAULT ''
);
CREATE INDEX dbt_refreshes_due ON dbt_refreshes (next_at);
-- The newest run of each job of an orchestrator that was taken note of.
CREATE TABLE orchestrator_jobs (
  orchestrator_id BIGINT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
  job TEXT NOT NULL,
  seen BIGINT NOT NULL,
  checked_at BIGINT NOT NULL,
  failure TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (orchestrator_id, job)
);
-- The jobs that have succeeded since a document last ran by its schedule, which waits for others still.
CREATE TABLE schedule_waits (
  document_id BIGINT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
  job TEXT NOT NULL,
  done_at BIGINT NOT NULL,
  PRIMARY KEY (document_id, job)
);
