CREATE TABLE tunnels (
  document_id BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  type TEXT NOT NULL,
  login TEXT NOT NULL UNIQUE,
  port BIGINT NOT NULL DEFAULT 0,
  public_key TEXT NOT NULL DEFAULT '',
  private_key TEXT NOT NULL DEFAULT '',
  next_public_key TEXT NOT NULL DEFAULT '',
  next_private_key TEXT NOT NULL DEFAULT '',
  host_key TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT 'pending',
  failure TEXT NOT NULL DEFAULT '',
  changed_at BIGINT NOT NULL DEFAULT 0,
  holder TEXT NOT NULL DEFAULT '',
  holder_address TEXT NOT NULL DEFAULT '',
  holder_until BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX tunnels_of_workspace ON tunnels (workspace_id);

CREATE TABLE tunnel_server (
  id BIGINT PRIMARY KEY,
  host_key TEXT NOT NULL
);
