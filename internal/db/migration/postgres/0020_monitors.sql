CREATE TABLE monitor_reports (
  id BIGINT PRIMARY KEY,
  workspace_id BIGINT NOT NULL,
  monitor_id BIGINT NOT NULL,
  content TEXT NOT NULL,
  state TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  lease_until BIGINT NOT NULL DEFAULT 0,
  attempts BIGINT NOT NULL DEFAULT 0,
  done_at BIGINT NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX monitor_reports_due ON monitor_reports (state, next_at);
CREATE INDEX monitor_reports_of_monitor ON monitor_reports (monitor_id, id);
