-- When the audiences of a destination's ad accounts are looked at again. snapshot names what is being written, so that it
-- is written once however often it is tried.
CREATE TABLE audience_reports (
  destination_id BIGINT PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
  workspace_id BIGINT NOT NULL,
  state TEXT NOT NULL,
  next_at BIGINT NOT NULL,
  lease TEXT NOT NULL DEFAULT '',
  lease_until BIGINT NOT NULL DEFAULT 0,
  failures BIGINT NOT NULL DEFAULT 0,
  snapshot TEXT NOT NULL DEFAULT '',
  checked_at BIGINT NOT NULL DEFAULT 0,
  failure TEXT NOT NULL DEFAULT ''
);
CREATE INDEX audience_reports_due ON audience_reports (next_at);
-- What came of each look, the newest ones alone.
CREATE TABLE audience_looks (
  destination_id BIGINT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
  at BIGINT NOT NULL,
  audiences BIGINT NOT NULL,
  written_to TEXT NOT NULL,
  failure TEXT NOT NULL,
  PRIMARY KEY (destination_id, at)
);
-- The audiences as the last look found them.
CREATE TABLE audience_sizes (
  destination_id BIGINT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
  account TEXT NOT NULL,
  audience TEXT NOT NULL,
  name TEXT NOT NULL,
  size BIGINT,
  status TEXT NOT NULL,
  link TEXT NOT NULL,
  sync_id BIGINT,
  PRIMARY KEY (destination_id, account, audience)
);
-- How many people a vendor matched of those that a sync sent, look by look.
CREATE TABLE audience_matches (
  sync_id BIGINT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
  at BIGINT NOT NULL,
  workspace_id BIGINT NOT NULL,
  account TEXT NOT NULL,
  audience TEXT NOT NULL,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  link TEXT NOT NULL,
  matched BIGINT,
  members BIGINT,
  PRIMARY KEY (sync_id, at)
);
INSERT INTO audience_reports (destination_id, workspace_id, state, next_at)
  SELECT id, workspace_id, 'waiting', 0 FROM documents WHERE kind = 'destination';
