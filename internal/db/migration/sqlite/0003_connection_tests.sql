CREATE TABLE connection_tests (
  document_id BIGINT PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
  workspace_id BIGINT NOT NULL,
  ok BOOLEAN NOT NULL,
  error TEXT NOT NULL DEFAULT '',
  tested_at BIGINT NOT NULL
);
