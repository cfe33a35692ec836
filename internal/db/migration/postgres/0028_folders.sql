CREATE TABLE folders (
  workspace_id BIGINT NOT NULL,
  path TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (workspace_id, path)
);
-- The folders that documents name, and those that these lie in. The second trim removes what follows the last slash.
INSERT INTO folders (workspace_id, path, created_at, created_by)
WITH RECURSIVE named (workspace_id, path) AS (
  SELECT DISTINCT workspace_id, folder FROM documents WHERE folder <> ''
  UNION
  SELECT workspace_id, rtrim(rtrim(path, replace(path, '/', '')), '/') FROM named WHERE strpos(path, '/') > 0
)
SELECT workspace_id, path, 0, 'system' FROM named WHERE path <> '';
CREATE INDEX documents_by_folder ON documents (workspace_id, folder);

CREATE TABLE saved_filters (
  id BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  query TEXT NOT NULL,
  shared BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  UNIQUE (workspace_id, kind, created_by, name)
);
