ALTER TABLE sync_state ADD COLUMN deleted_at BIGINT NOT NULL DEFAULT 0;

CREATE TABLE sync_pauses (
  workspace_id BIGINT PRIMARY KEY,
  reason TEXT NOT NULL,
  since BIGINT NOT NULL
);

CREATE TABLE storage_places (
  id BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  document_id BIGINT NOT NULL,
  slug TEXT NOT NULL,
  type TEXT NOT NULL,
  label TEXT NOT NULL,
  since BIGINT NOT NULL,
  until BIGINT NOT NULL DEFAULT 0,
  used_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX storage_places_of_workspace ON storage_places (workspace_id, until);

CREATE TABLE storage_switches (
  id BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  document_id BIGINT NOT NULL,
  slug TEXT NOT NULL,
  type TEXT NOT NULL,
  label TEXT NOT NULL,
  from_label TEXT NOT NULL,
  state TEXT NOT NULL,
  actor TEXT NOT NULL,
  abandon BOOLEAN NOT NULL DEFAULT FALSE,
  cancelled BOOLEAN NOT NULL DEFAULT FALSE,
  from_place BIGINT NOT NULL DEFAULT 0,
  to_place BIGINT NOT NULL DEFAULT 0,
  running BIGINT NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  lease_owner TEXT NOT NULL DEFAULT '',
  lease_until BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX storage_switches_open ON storage_switches (workspace_id) WHERE finished_at = 0;
CREATE INDEX storage_switches_of_workspace ON storage_switches (workspace_id, id DESC);
