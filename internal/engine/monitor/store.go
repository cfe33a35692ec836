package monitor

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/monitor"
	"github.com/uptrace/bun"
)

// Store keeps reports until they are sent.
type Store struct {
	db    *db.DB
	clock clock.Clock
}

// NewStore returns a store in the database.
func NewStore(d *db.DB, c clock.Clock) *Store { return &Store{d, c} }

// The states of a report.
const (
	statePending = "pending"
	stateSent    = "sent"
	stateFailed  = "failed" // given up
)

// How reports are sent.
const (
	leaseTime  = 2 * time.Minute  // of one attempt: more than any exchange takes
	firstWait  = 15 * time.Second // before the second attempt; it doubles
	longestTry = 10 * time.Minute // between two attempts, unless the other side asks for more
	giveUp     = 55 * time.Minute // after a run: Datadog takes no metric that is older than an hour
	keepFor    = 30 * 24 * time.Hour
)

// reportRow is a row of monitor_reports. Times are milliseconds since 1970 UTC; 0 means not yet.
type reportRow struct {
	bun.BaseModel `bun:"table:monitor_reports,alias:m"`

	ID          int64  `bun:"id,pk"`
	WorkspaceID int64  `bun:"workspace_id"`
	MonitorID   int64  `bun:"monitor_id"`
	Content     string `bun:"content"` // a Report as JSON
	State       string `bun:"state"`
	CreatedAt   int64  `bun:"created_at"`
	NextAt      int64  `bun:"next_at"`
	LeaseUntil  int64  `bun:"lease_until"`
	Attempts    int64  `bun:"attempts"` // counts the leases: only the newest may write
	DoneAt      int64  `bun:"done_at"`
	Error       string `bun:"error"`
}

// Note leaves a report for each monitor of a workspace, in the transaction that ends the run. read is asked only where
// there is one.
func (s *Store) Note(ctx context.Context, tx bun.Tx, workspaceID int64, read func(context.Context, bun.Tx) (Report, error)) error {
	monitors, err := enabled(ctx, tx, workspaceID)
	if err != nil || len(monitors) == 0 {
		return err
	}
	r, err := read(ctx, tx)
	if err != nil {
		return err
	}
	content, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encoding a report: %w", err)
	}
	now := clock.Millis(s.clock.Now())
	for _, id := range monitors {
		row := reportRow{WorkspaceID: workspaceID, MonitorID: id, Content: string(content), State: statePending, CreatedAt: now, NextAt: now}
		if row.ID, err = s.db.NextID(ctx, tx); err != nil {
			return fmt.Errorf("numbering a report: %w", err)
		}
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return fmt.Errorf("leaving a report: %w", err)
		}
	}
	return nil
}

// enabled lists the monitors of a workspace that are not turned off.
func enabled(ctx context.Context, tx bun.Tx, workspaceID int64) ([]int64, error) {
	var rows []struct {
		ID   int64  `bun:"id"`
		Spec string `bun:"spec"`
	}
	err := tx.NewSelect().Table("documents").Column("id", "spec").Where("workspace_id = ?", workspaceID).Where("kind = ?", monitor.KindName).Order("id").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("looking for monitors: %w", err)
	}
	var ids []int64
	for _, row := range rows {
		var spec monitor.Spec
		if err := json.Unmarshal([]byte(row.Spec), &spec); err == nil && !spec.Disabled {
			ids = append(ids, row.ID)
		}
	}
	return ids, nil
}

// Forget removes the reports for a monitor that is deleted.
func (s *Store) Forget(ctx context.Context, tx bun.Tx, monitorID int64) error {
	if _, err := tx.NewDelete().Table("monitor_reports").Where("monitor_id = ?", monitorID).Exec(ctx); err != nil {
		return fmt.Errorf("removing the reports for monitor %d: %w", monitorID, err)
	}
	return nil
}

// Expire removes reports that are long over.
func (s *Store) Expire(ctx context.Context) error {
	before := clock.Millis(s.clock.Now().Add(-keepFor))
	if _, err := s.db.NewDelete().Table("monitor_reports").Where("done_at > 0").Where("done_at < ?", before).Exec(ctx); err != nil {
		return fmt.Errorf("removing old reports: %w", err)
	}
	return nil
}

// due counts the reports whose time has come.
func (s *Store) due(ctx context.Context) (int, error) {
	now := clock.Millis(s.clock.Now())
	n, err := s.db.NewSelect().Table("monitor_reports").Where("state = ?", statePending).Where("next_at <= ?", now).Where("lease_until <= ?", now).Count(ctx)
	return int(n), err
}

// take gives the oldest report that is due to the caller.
func (s *Store) take(ctx context.Context) (reportRow, bool, error) {
	var rows []reportRow
	now := s.clock.Now()
	err := s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		q := tx.NewSelect().Model(&rows).Where("m.state = ?", statePending).Where("m.next_at <= ?", clock.Millis(now)).
			Where("m.lease_until <= ?", clock.Millis(now)).Order("m.id").Limit(1)
		if s.db.IsPostgres() {
			q.For("UPDATE SKIP LOCKED")
		}
		if err := q.Scan(ctx); err != nil || len(rows) == 0 {
			return err
		}
		rows[0].LeaseUntil, rows[0].Attempts = clock.Millis(now.Add(leaseTime)), rows[0].Attempts+1
		_, err := tx.NewUpdate().Model(&rows[0]).Column("lease_until", "attempts").WherePK().Exec(ctx)
		return err
	})
	if err != nil || len(rows) == 0 {
		return reportRow{}, false, err
	}
	return rows[0], true, nil
}

// settle notes the outcome of an attempt. One that failed is tried again unless trying cannot help or the report is too
// old. Only the attempt that holds the lease may write.
func (s *Store) settle(ctx context.Context, row reportRow, cause error) error {
	now := s.clock.Now()
	next := row
	next.LeaseUntil, next.Error = 0, ""
	switch {
	case cause == nil:
		next.State, next.DoneAt = stateSent, clock.Millis(now)
	case hopeless(cause) || now.Sub(clock.FromMillis(row.CreatedAt)) >= giveUp:
		next.State, next.DoneAt, next.Error = stateFailed, clock.Millis(now), cause.Error()
	default:
		next.NextAt, next.Error = clock.Millis(now.Add(wait(cause, row.Attempts))), cause.Error()
	}
	_, err := s.db.NewUpdate().Model(&next).Column("state", "done_at", "next_at", "lease_until", "error").WherePK().
		Where("state = ?", statePending).Where("attempts = ?", row.Attempts).Exec(ctx)
	if err != nil {
		return fmt.Errorf("noting the outcome of report %d: %w", row.ID, err)
	}
	return nil
}

// hopeless reports whether the same report would be refused again.
func hopeless(err error) bool {
	class := fault.ClassOf(err)
	return class == fault.Permanent || class == fault.Fatal
}

func wait(err error, attempts int64) time.Duration {
	if after := fault.As(err).After; after > 0 {
		return after
	}
	return min(firstWait<<min(attempts-1, 16), longestTry)
}

// Status is how the newest report for a monitor was sent.
type Status struct {
	State    string
	At       time.Time // of the run's end
	NextAt   time.Time // of the next attempt; zero when it is over
	Attempts int64
	Error    string // of the last attempt, in the other side's words
}

// Last returns how the newest report for a monitor was sent; false where there was none yet.
func (s *Store) Last(ctx context.Context, workspaceID, monitorID int64) (Status, bool, error) {
	var row reportRow
	err := s.db.NewSelect().Model(&row).Where("m.monitor_id = ?", monitorID).Where("m.workspace_id = ?", workspaceID).Order("m.id DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Status{}, false, nil
	}
	if err != nil {
		return Status{}, false, fmt.Errorf("reading how a report was sent: %w", err)
	}
	status := Status{State: row.State, At: clock.FromMillis(row.CreatedAt), Attempts: row.Attempts, Error: row.Error}
	if row.State == statePending {
		status.NextAt = clock.FromMillis(row.NextAt)
	}
	return status, true, nil
}
