CREATE TABLE alert_subjects (
  workspace_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  document_id BIGINT NOT NULL,
  version BIGINT NOT NULL DEFAULT 0,
  seen BIGINT NOT NULL DEFAULT 0,
  recipients TEXT NOT NULL DEFAULT '[]',
  PRIMARY KEY (workspace_id, kind, document_id)
);

CREATE TABLE alert_triggers (
  workspace_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  document_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  level TEXT NOT NULL,
  since BIGINT NOT NULL DEFAULT 0,
  told TEXT NOT NULL,
  episode BIGINT NOT NULL DEFAULT 0,
  event_id BIGINT NOT NULL DEFAULT 0,
  value DOUBLE PRECISION NOT NULL DEFAULT 0,
  threshold DOUBLE PRECISION NOT NULL DEFAULT 0,
  words TEXT NOT NULL DEFAULT '',
  about BIGINT NOT NULL DEFAULT 0,
  evaluated_at BIGINT NOT NULL DEFAULT 0,
  muted_until BIGINT NOT NULL DEFAULT 0,
  muted_by TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (workspace_id, kind, document_id, name)
);

CREATE TABLE alert_events (
  id BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  document_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  at BIGINT NOT NULL,
  from_level TEXT NOT NULL,
  to_level TEXT NOT NULL,
  value DOUBLE PRECISION NOT NULL,
  threshold DOUBLE PRECISION NOT NULL,
  words TEXT NOT NULL,
  about BIGINT NOT NULL,
  muted BOOLEAN NOT NULL
);
CREATE INDEX alert_events_of_document ON alert_events (workspace_id, kind, document_id, id DESC);
CREATE INDEX alert_events_by_time ON alert_events (at);

CREATE TABLE alert_notices (
  id BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  document_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  event_id BIGINT NOT NULL,
  reason TEXT NOT NULL,
  channel TEXT NOT NULL,
  target TEXT NOT NULL,
  content TEXT NOT NULL,
  state TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  lease_until BIGINT NOT NULL DEFAULT 0,
  attempts BIGINT NOT NULL DEFAULT 0,
  done_at BIGINT NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX alert_notices_due ON alert_notices (state, next_at);
CREATE INDEX alert_notices_of_event ON alert_notices (workspace_id, event_id);
CREATE INDEX alert_notices_of_channel ON alert_notices (workspace_id, channel, id DESC);
CREATE INDEX alert_notices_of_trigger ON alert_notices (workspace_id, kind, document_id, name, channel, target, id);

CREATE TABLE alert_clock (
  name TEXT PRIMARY KEY,
  due_at BIGINT NOT NULL
);
