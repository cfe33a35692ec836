package run

import (
	"context"
	"fmt"
	"time"
)

// Latest returns the newest run of a sync, nil when it never ran, and when it runs next by itself.
func (s *Store) Latest(ctx context.Context, workspaceID, syncID int64) (last *Run, next time.Time, err error) {
	runs, err := s.List(ctx, workspaceID, Filter{SyncID: syncID, Limit: 1})
	if err != nil {
		return nil, next, err
	}
	st, err := s.state(ctx, s.db, syncID)
	if err != nil {
		return nil, next, err
	}
	if len(runs) > 0 {
		last = &runs[0]
	}
	return last, fromMillis(st.NextRunAt), nil
}

// LastSize returns how many rows the newest run of any sync of a model read; nil when there was none.
func (s *Store) LastSize(ctx context.Context, workspaceID int64, modelSlug string) (*int64, error) {
	var rows []runRow
	err := s.db.NewSelect().Model(&rows).Where("r.workspace_id = ?", workspaceID).Where("r.state = ?", string(Committed)).
		Where("r.sync_id IN (SELECT from_id FROM document_refs WHERE to_kind = 'model' AND to_slug = ? AND workspace_id = ?)", modelSlug, workspaceID).
		Order("id DESC").Limit(1).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the size of the model %q: %w", modelSlug, err)
	}
	if len(rows) == 0 {
		return nil, nil //nolint:nilnil // it never ran
	}
	r, err := rows[0].run()
	return &r.Counts.Read, err
}

// MonthUsage is what was used in one month (P-01, P-04).
type MonthUsage struct {
	Month       string // 2026-11
	ActiveSyncs int64
	Operations  int64
}

// Usage returns the usage of a workspace, the newest month first.
func (s *Store) Usage(ctx context.Context, workspaceID int64) ([]MonthUsage, error) {
	var months []MonthUsage
	err := s.db.NewRaw(`SELECT u.month, count(*) AS active_syncs, coalesce(max(o.operations), 0) AS operations
		FROM usage_syncs u LEFT JOIN usage_operations o ON o.workspace_id = u.workspace_id AND o.month = u.month
		WHERE u.workspace_id = ? GROUP BY u.month ORDER BY u.month DESC`, workspaceID).Scan(ctx, &months)
	if err != nil {
		return nil, fmt.Errorf("reading usage: %w", err)
	}
	return months, nil
}

// Due lists the syncs whose time has come.
func (s *Store) Due(ctx context.Context, now time.Time) ([]Scheduled, error) {
	var due []Scheduled
	err := s.db.NewSelect().Table("sync_state").Column("sync_id", "workspace_id").
		Where("next_run_at > 0").Where("next_run_at <= ?", millis(now)).Order("next_run_at").Limit(1000).Scan(ctx, &due)
	if err != nil {
		return nil, fmt.Errorf("looking for due syncs: %w", err)
	}
	return due, nil
}

// Scheduled names a sync.
type Scheduled struct {
	SyncID      int64
	WorkspaceID int64
}

// SetNext notes when a sync runs next by itself; zero means never.
func (s *Store) SetNext(ctx context.Context, workspaceID, syncID, revision int64, next time.Time) error {
	_, err := s.db.NewRaw(`INSERT INTO sync_state (sync_id, workspace_id, next_run_at, scheduled_revision) VALUES (?, ?, ?, ?)
		ON CONFLICT (sync_id) DO UPDATE SET next_run_at = excluded.next_run_at, scheduled_revision = excluded.scheduled_revision`,
		syncID, workspaceID, millis(next), revision).Exec(ctx)
	if err != nil {
		return fmt.Errorf("scheduling sync %d: %w", syncID, err)
	}
	return nil
}

// Unscheduled lists the syncs whose document changed since they were scheduled.
func (s *Store) Unscheduled(ctx context.Context) ([]Scheduled, error) {
	var all []Scheduled
	err := s.db.NewRaw(`SELECT d.id AS sync_id, d.workspace_id FROM documents d LEFT JOIN sync_state s ON s.sync_id = d.id
		WHERE d.kind = 'sync' AND (s.sync_id IS NULL OR s.scheduled_revision <> d.revision) LIMIT 1000`).Scan(ctx, &all)
	if err != nil {
		return nil, fmt.Errorf("looking for changed schedules: %w", err)
	}
	return all, nil
}

// LastStart returns when a sync last began to run, for whatever reason; zero means never.
func (s *Store) LastStart(ctx context.Context, workspaceID, syncID int64) (time.Time, error) {
	runs, err := s.List(ctx, workspaceID, Filter{SyncID: syncID, Limit: 1})
	if err != nil || len(runs) == 0 {
		return time.Time{}, err
	}
	if !runs[0].FinishedAt.IsZero() {
		return runs[0].FinishedAt, nil
	}
	return runs[0].CreatedAt, nil
}
