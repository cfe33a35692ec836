package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/uptrace/bun"
)

// Status is how the logs of a sync, or of all syncs of a source, stand.
type Status struct {
	Written *Written     // the newest log that was written; nil where none was
	Waiting int64        // logs that are still to be written
	Since   time.Time    // since when the oldest of them waits
	NextAt  time.Time    // when it is tried again
	Failure *run.Failure // of its last attempt; nil where nothing failed
	GivenUp *GivenUp     // the newest log that was given up after the newest that was written
}

// Written is a log that was written.
type Written struct {
	RunID  int64
	SyncID int64
	At     time.Time
	Remark string // why a table was left as it was
}

// GivenUp is a log that will not be written any more.
type GivenUp struct {
	RunID   int64
	SyncID  int64
	At      time.Time
	Failure run.Failure
}

// OfSync tells how the logs of a sync stand.
func (s *Store) OfSync(ctx context.Context, workspaceID, syncID int64) (Status, error) {
	return s.status(ctx, func(q *bun.SelectQuery) { q.Where("workspace_id = ?", workspaceID).Where("sync_id = ?", syncID) })
}

// OfSource tells how the logs of all syncs of a source stand.
func (s *Store) OfSource(ctx context.Context, workspaceID, sourceID int64) (Status, error) {
	return s.status(ctx, func(q *bun.SelectQuery) { q.Where("workspace_id = ?", workspaceID).Where("source_id = ?", sourceID) })
}

func (s *Store) status(ctx context.Context, of func(q *bun.SelectQuery)) (st Status, err error) {
	if st.Waiting, err = s.count(ctx, of); err != nil {
		return st, err
	}
	written, err := s.first(ctx, of, stateWritten, "done_at DESC, run_id DESC")
	if err != nil {
		return st, err
	}
	failed, err := s.first(ctx, of, stateFailed, "done_at DESC, run_id DESC")
	if err != nil {
		return st, err
	}
	oldest, err := s.first(ctx, of, statePending, "created_at, run_id")
	if err != nil {
		return st, err
	}
	if written != nil {
		st.Written = &Written{RunID: written.RunID, SyncID: written.SyncID, At: clock.FromMillis(written.DoneAt), Remark: written.Remark}
	}
	if failed != nil && (written == nil || failed.DoneAt > written.DoneAt) {
		f, err := failed.failure()
		if err != nil {
			return st, err
		}
		st.GivenUp = &GivenUp{RunID: failed.RunID, SyncID: failed.SyncID, At: clock.FromMillis(failed.DoneAt), Failure: *f}
	}
	if oldest != nil {
		st.Since, st.NextAt = clock.FromMillis(oldest.CreatedAt), clock.FromMillis(oldest.NextAt)
		st.Failure, err = oldest.failure()
	}
	return st, err
}

func (s *Store) count(ctx context.Context, of func(q *bun.SelectQuery)) (int64, error) {
	q := s.db.NewSelect().Table("sync_logs").Where("state = ?", statePending)
	of(q)
	n, err := q.Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("counting sync logs: %w", err)
	}
	return n, nil
}

// first returns one log in a state; nil where there is none.
func (s *Store) first(ctx context.Context, of func(q *bun.SelectQuery), state, order string) (*logRow, error) {
	var rows []logRow
	q := s.db.NewSelect().Model(&rows).Where("state = ?", state).OrderExpr(order).Limit(1)
	of(q)
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading sync logs: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil //nolint:nilnil // there is none
	}
	return &rows[0], nil
}

// failure is what went wrong in the last attempt; nil where nothing did.
func (row logRow) failure() (*run.Failure, error) {
	if row.Error == "" {
		return nil, nil //nolint:nilnil // nothing did
	}
	var f run.Failure
	if err := json.Unmarshal([]byte(row.Error), &f); err != nil {
		return nil, fmt.Errorf("reading why the log of run %d failed: %w", row.RunID, err)
	}
	return &f, nil
}
