CREATE TABLE id_sequence (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  last BIGINT NOT NULL
);
INSERT INTO id_sequence (one, last) VALUES (1, 1000);

CREATE TABLE organizations (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE TABLE workspaces (
  id BIGINT PRIMARY KEY,
  organization_id BIGINT NOT NULL REFERENCES organizations (id),
  slug TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE TABLE users (
  id BIGINT PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  password TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE TABLE members (
  workspace_id BIGINT NOT NULL REFERENCES workspaces (id),
  user_id BIGINT NOT NULL REFERENCES users (id),
  role TEXT NOT NULL,
  PRIMARY KEY (workspace_id, user_id)
);
CREATE TABLE sessions (
  token_hash TEXT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  csrf TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE TABLE api_keys (
  id BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  prefix TEXT NOT NULL,
  key_hash TEXT NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE documents (
  id BIGINT PRIMARY KEY,
  uuid TEXT NOT NULL UNIQUE,
  workspace_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  space TEXT NOT NULL,
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  folder TEXT NOT NULL DEFAULT '',
  labels TEXT NOT NULL DEFAULT '{}',
  spec TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  updated_by TEXT NOT NULL,
  UNIQUE (workspace_id, space, slug)
);
CREATE INDEX documents_by_name ON documents (workspace_id, kind, name);

CREATE TABLE document_versions (
  document_id BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  workspace_id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  summary TEXT NOT NULL,
  name TEXT NOT NULL,
  folder TEXT NOT NULL,
  labels TEXT NOT NULL,
  spec TEXT NOT NULL,
  PRIMARY KEY (document_id, revision)
);

CREATE TABLE document_refs (
  from_id BIGINT NOT NULL,
  workspace_id BIGINT NOT NULL,
  to_kind TEXT NOT NULL,
  to_slug TEXT NOT NULL,
  path TEXT NOT NULL,
  PRIMARY KEY (from_id, to_kind, to_slug, path)
);
CREATE INDEX document_refs_to ON document_refs (workspace_id, to_kind, to_slug);

CREATE TABLE activity (
  id BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  kind TEXT NOT NULL,
  document_id BIGINT NOT NULL,
  slug TEXT NOT NULL,
  action TEXT NOT NULL,
  summary TEXT NOT NULL,
  revision BIGINT NOT NULL
);
CREATE INDEX activity_of_document ON activity (workspace_id, document_id, id DESC);

CREATE TABLE secrets (
  id TEXT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  sealed TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
