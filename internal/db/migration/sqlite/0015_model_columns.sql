CREATE TABLE model_columns (
  model_id BIGINT PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
  workspace_id BIGINT NOT NULL,
  query TEXT NOT NULL,
  columns TEXT NOT NULL,
  seen_at BIGINT NOT NULL
);
