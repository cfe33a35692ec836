package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/uptrace/bun"
)

// The states of a log.
const (
	statePending = "pending"
	stateWritten = "written"
	stateFailed  = "failed" // given up
)

// How logs are tried again.
const (
	GiveUp      = 72 * time.Hour   // after the run, whose rows are not kept for ever
	firstWait   = 30 * time.Second // before the second attempt; it doubles
	longestWait = 15 * time.Minute
	keepFor     = 30 * 24 * time.Hour // what became of a log that is not its sync's newest
)

// logRow is a row of sync_logs: the log of one run. Times are milliseconds since 1970 UTC; 0 means not yet.
type logRow struct {
	bun.BaseModel `bun:"table:sync_logs,alias:l"`

	RunID       int64  `bun:"run_id,pk"`
	WorkspaceID int64  `bun:"workspace_id"`
	SyncID      int64  `bun:"sync_id"`
	SourceID    int64  `bun:"source_id"`
	Snapshot    bool   `bun:"snapshot"`
	Changelog   bool   `bun:"changelog"`
	Runs        bool   `bun:"runs"`
	State       string `bun:"state"`
	CreatedAt   int64  `bun:"created_at"`
	NextAt      int64  `bun:"next_at"`
	LeaseUntil  int64  `bun:"lease_until"`
	Attempts    int64  `bun:"attempts"` // counts the leases: only the newest may write
	DoneAt      int64  `bun:"done_at"`
	Error       string `bun:"error"`  // run.Failure as JSON, of the last attempt
	Remark      string `bun:"remark"` // why a table was left as it was
}

// Store keeps the outbox. Every query of people names a workspace; those of writers serve all.
type Store struct {
	LeaseTime time.Duration

	db    *db.DB
	clock clock.Clock
}

// NewStore returns a store in the database.
func NewStore(d *db.DB, c clock.Clock) *Store {
	return &Store{LeaseTime: run.LeaseTime, db: d, clock: c}
}

// Note puts a run that is over into the outbox, within the transaction that ends it (L1). One that never began, and one
// that leaves nothing to write, is not logged.
func (s *Store) Note(ctx context.Context, tx bun.Tx, r run.Run) error {
	logs := r.Pinned.Logs
	if logs == nil {
		return nil
	}
	now := clock.Millis(r.FinishedAt)
	row := logRow{
		RunID: r.ID, WorkspaceID: r.WorkspaceID, SyncID: r.SyncID, SourceID: r.Pinned.Source.ID,
		Snapshot: logs.Snapshot && tellsRows(r), Changelog: logs.Changelog && r.Pinned.Plan != nil, Runs: logs.Runs,
		State: statePending, CreatedAt: now, NextAt: now,
	}
	if !row.Snapshot && !row.Changelog && !row.Runs {
		return nil
	}
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return fmt.Errorf("noting the log of run %d: %w", r.ID, err)
	}
	return nil
}

// tellsRows reports whether a run knows each row of its model: it was settled, or it planned every row. One that planned
// every row and had none kept no plan.
func tellsRows(r run.Run) bool {
	if r.Pinned.EveryRow {
		return r.Pinned.Plan != nil || r.State == run.Committed && r.Counts.Unchanged == 0
	}
	return r.Pinned.Logs.Rows != nil
}

// due reports whether a log's time has come. It asks without a transaction, since most of the time there is none.
func (s *Store) due(ctx context.Context) (bool, error) {
	now := clock.Millis(s.clock.Now())
	found, err := s.db.NewSelect().Table("sync_logs").Where("state = ?", statePending).Where("next_at <= ?", now).Where("lease_until <= ?", now).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("looking for sync logs: %w", err)
	}
	return found, nil
}

// take gives the oldest log that is due to the caller. A sync's log waits for those of its earlier runs (L2).
func (s *Store) take(ctx context.Context) (row logRow, ok bool, err error) {
	if ok, err = s.due(ctx); err != nil || !ok {
		return row, false, err
	}
	now := s.clock.Now()
	err = s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		var rows []logRow
		q := tx.NewSelect().Model(&rows).Where("l.state = ?", statePending).Where("l.next_at <= ?", clock.Millis(now)).Where("l.lease_until <= ?", clock.Millis(now)).
			Where("NOT EXISTS (SELECT 1 FROM sync_logs AS o WHERE o.sync_id = l.sync_id AND o.run_id < l.run_id AND o.state = ?)", statePending).
			Order("l.run_id").Limit(1)
		if s.db.IsPostgres() {
			q.For("UPDATE SKIP LOCKED")
		}
		ok = false
		if err := q.Scan(ctx); err != nil || len(rows) == 0 {
			return err
		}
		row, ok = rows[0], true
		row.LeaseUntil, row.Attempts = clock.Millis(now.Add(s.LeaseTime)), row.Attempts+1
		_, err := tx.NewUpdate().Model(&row).Column("lease_until", "attempts").WherePK().Exec(ctx)
		return err
	})
	if err != nil {
		return logRow{}, false, fmt.Errorf("taking a sync log: %w", err)
	}
	return row, ok, nil
}

// errFenced ends an attempt whose log another one has taken over.
var errFenced = errors.New("another process took the sync log over")

// mine changes a log as long as the attempt is its newest one.
func (s *Store) mine(ctx context.Context, row logRow, change func(q *bun.UpdateQuery)) error {
	q := s.db.NewUpdate().Table("sync_logs").Where("run_id = ?", row.RunID).Where("attempts = ?", row.Attempts).Where("state = ?", statePending)
	change(q)
	res, err := q.Exec(ctx)
	if err != nil {
		return fmt.Errorf("noting how the log of run %d stands: %w", row.RunID, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(errFenced, err)
	}
	return nil
}

// beat extends the lease of an attempt.
func (s *Store) beat(ctx context.Context, row logRow) error {
	until := clock.Millis(s.clock.Now().Add(s.LeaseTime))
	return s.mine(ctx, row, func(q *bun.UpdateQuery) { q.Set("lease_until = ?", until) })
}

// release gives a log back that the process has no time to write.
func (s *Store) release(ctx context.Context, row logRow) error {
	return s.mine(ctx, row, func(q *bun.UpdateQuery) { q.Set("lease_until = 0") })
}

// superseded reports whether a later run of the sync is to replace the snapshot.
func (s *Store) superseded(ctx context.Context, row logRow) (bool, error) {
	found, err := s.db.NewSelect().Table("sync_logs").Where("sync_id = ?", row.SyncID).Where("run_id > ?", row.RunID).Where("snapshot = ?", true).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("looking for later logs of sync %d: %w", row.SyncID, err)
	}
	return found, nil
}

// settle notes the outcome of an attempt. One that failed is tried again unless that cannot help or its time is over.
func (s *Store) settle(ctx context.Context, row logRow, remark string, cause error) error {
	now := s.clock.Now()
	next := logRow{State: stateWritten, DoneAt: clock.Millis(now), NextAt: row.NextAt, Remark: remark}
	if cause != nil {
		text, err := json.Marshal(failureOf(cause))
		if err != nil {
			return fmt.Errorf("encoding an error: %w", err)
		}
		next.Error, next.State = string(text), stateFailed
		if !hopeless(cause) && now.Sub(clock.FromMillis(row.CreatedAt)) < GiveUp {
			next.State, next.DoneAt, next.NextAt = statePending, 0, clock.Millis(now.Add(wait(row.Attempts)))
		}
	}
	return s.mine(ctx, row, func(q *bun.UpdateQuery) {
		q.Set("state = ?", next.State).Set("done_at = ?", next.DoneAt).Set("next_at = ?", next.NextAt).
			Set("error = ?", next.Error).Set("remark = ?", next.Remark).Set("lease_until = 0")
	})
}

// failureOf is the stored form of an error.
func failureOf(err error) run.Failure {
	e := fault.As(err)
	return run.Failure{Code: e.Code, Message: err.Error(), Suggestion: e.Hint()}
}

// hopeless reports whether the same log would fail again whatever people do: its rows or its source are gone.
func hopeless(err error) bool { return fault.Is(err, fault.CodeNotFound) }

// wait is the time before the next attempt: between a half and the whole of what doubles each time, so that the logs of
// a warehouse that comes back do not all come at once.
func wait(attempts int64) time.Duration {
	full := min(firstWait<<min(attempts-1, 16), longestWait)
	return full/2 + rand.N(full/2) //nolint:gosec // no secret
}

// Hasten makes the logs of a source due at once: somebody has just changed it.
func (s *Store) Hasten(ctx context.Context, tx bun.Tx, workspaceID, sourceID int64) error {
	_, err := tx.NewUpdate().Table("sync_logs").Set("next_at = ?", clock.Millis(s.clock.Now())).
		Where("workspace_id = ?", workspaceID).Where("source_id = ?", sourceID).Where("state = ?", statePending).Exec(ctx)
	if err != nil {
		return fmt.Errorf("hastening the logs of source %d: %w", sourceID, err)
	}
	return nil
}

// Unread reports whether logs of runs that were over at a time are still to be written in a workspace.
func (s *Store) Unread(ctx context.Context, workspaceID int64, at time.Time) (bool, error) {
	found, err := s.db.NewSelect().Table("sync_logs").Where("workspace_id = ?", workspaceID).Where("state = ?", statePending).
		Where("created_at <= ?", clock.Millis(at)).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("looking for sync logs of workspace %d: %w", workspaceID, err)
	}
	return found, nil
}

// Recover takes back what an earlier process had under way, on a database with a single process.
func (s *Store) Recover(ctx context.Context) error {
	_, err := s.db.NewUpdate().Table("sync_logs").Set("lease_until = 0").Where("lease_until > 0").Exec(ctx)
	if err != nil {
		return fmt.Errorf("taking over sync logs: %w", err)
	}
	return nil
}

// Expire forgets what became of old logs, but for the newest of each sync, and what became of those that were still to be
// written when their sync was deleted.
func (s *Store) Expire(ctx context.Context) error {
	_, err := s.db.NewRaw(`DELETE FROM sync_logs WHERE state <> ? AND (done_at < ? AND EXISTS (
		SELECT 1 FROM sync_logs AS o WHERE o.sync_id = sync_logs.sync_id AND o.run_id > sync_logs.run_id AND o.state = ?)
		OR NOT EXISTS (SELECT 1 FROM sync_state AS s WHERE s.sync_id = sync_logs.sync_id AND s.deleted_at = 0))`,
		statePending, clock.Millis(s.clock.Now().Add(-keepFor)), stateWritten).Exec(ctx)
	if err != nil {
		return fmt.Errorf("forgetting old sync logs: %w", err)
	}
	return nil
}

// Forget removes what became of the logs of a sync that was deleted. Those that wait are still written.
func (s *Store) Forget(ctx context.Context, tx bun.Tx, syncID int64) error {
	_, err := tx.NewDelete().Table("sync_logs").Where("sync_id = ?", syncID).Where("state <> ?", statePending).Exec(ctx)
	if err != nil {
		return fmt.Errorf("forgetting the logs of sync %d: %w", syncID, err)
	}
	return nil
}
