package run

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
	"github.com/uptrace/bun"
)

// Store keeps runs, their journals and what each sync remembers. Every query names a workspace, except
// those of workers, which serve all.
type Store struct {
	LeaseTime     time.Duration // set it before the first run
	WorkspaceRuns int           // how many runs one workspace may have at a time; 0 is any number; set it before the first run

	db    *db.DB
	clock clock.Clock
	ended []func(context.Context, bun.Tx, Run) error
}

// NewStore returns a store in the database.
func NewStore(d *db.DB, c clock.Clock) *Store { return &Store{LeaseTime: LeaseTime, db: d, clock: c} }

// OnEnd registers what else must happen when a run ends, however it does. f is called in the transaction that ends
// the run, after everything else in it, and its error undoes it. f must not wait for a lock that somebody holds
// who waits for a sync. Register before the store is used.
func (s *Store) OnEnd(f func(ctx context.Context, tx bun.Tx, r Run) error) {
	s.ended = append(s.ended, f)
}

func (s *Store) tellEnd(ctx context.Context, tx bun.Tx, r Run) error {
	for _, f := range s.ended {
		if err := f(ctx, tx, r); err != nil {
			return err
		}
	}
	return nil
}

// runRow is a row of sync_runs. Times are milliseconds since 1970 UTC; 0 means not yet.
type runRow struct {
	bun.BaseModel `bun:"table:sync_runs,alias:r"`

	ID              int64  `bun:"id,pk"`
	WorkspaceID     int64  `bun:"workspace_id"`
	SyncID          int64  `bun:"sync_id"`
	SyncSlug        string `bun:"sync_slug"`
	Trigger         string `bun:"trigger"`
	Options         string `bun:"options"`
	State           string `bun:"state"`
	Status          string `bun:"status"`
	CreatedAt       int64  `bun:"created_at"`
	StartedAt       int64  `bun:"started_at"`
	FinishedAt      int64  `bun:"finished_at"`
	Pinned          string `bun:"pinned"`
	Counts          string `bun:"counts"`
	Error           string `bun:"error"`
	Epoch           int64  `bun:"epoch"`
	LeaseOwner      string `bun:"lease_owner"`
	LeaseUntil      int64  `bun:"lease_until"`
	CancelRequested bool   `bun:"cancel_requested"`
	LastHeartbeat   int64  `bun:"last_heartbeat"`
	ResumeAt        int64  `bun:"resume_at"` // of a run that pauses
}

func toRow(r Run) (*runRow, error) {
	row := &runRow{
		ID: r.ID, WorkspaceID: r.WorkspaceID, SyncID: r.SyncID, SyncSlug: r.SyncSlug, Trigger: r.Trigger,
		State: string(r.State), Status: r.Words().REST, Epoch: r.Epoch,
		CreatedAt: clock.Millis(r.CreatedAt), StartedAt: clock.Millis(r.StartedAt), FinishedAt: clock.Millis(r.FinishedAt), ResumeAt: clock.Millis(r.ResumeAt),
	}
	for _, part := range []struct {
		to   *string
		from any
	}{{&row.Options, r.Options}, {&row.Pinned, r.Pinned}, {&row.Counts, r.Counts}, {&row.Error, r.Failure}} {
		b, err := json.Marshal(part.from)
		if err != nil {
			return nil, fmt.Errorf("encoding run %d: %w", r.ID, err)
		}
		*part.to = string(b)
	}
	return row, nil
}

func (row runRow) run() (Run, error) {
	r := Run{
		ID: row.ID, WorkspaceID: row.WorkspaceID, SyncID: row.SyncID, SyncSlug: row.SyncSlug, Trigger: row.Trigger,
		State: State(row.State), Epoch: row.Epoch,
		CreatedAt: clock.FromMillis(row.CreatedAt), StartedAt: clock.FromMillis(row.StartedAt), FinishedAt: clock.FromMillis(row.FinishedAt),
		ResumeAt: clock.FromMillis(row.ResumeAt), cancelling: row.CancelRequested,
	}
	for _, part := range []struct {
		from string
		to   any
	}{{row.Options, &r.Options}, {row.Pinned, &r.Pinned}, {row.Counts, &r.Counts}, {row.Error, &r.Failure}} {
		if part.from == "" {
			continue
		}
		if err := json.Unmarshal([]byte(part.from), part.to); err != nil {
			return Run{}, fmt.Errorf("reading run %d: %w", row.ID, err)
		}
	}
	return r, nil
}

// Get returns a run of a workspace.
func (s *Store) Get(ctx context.Context, workspaceID, runID int64) (Run, error) {
	return s.GetIn(ctx, s.db, workspaceID, runID)
}

// GetIn is Get within a transaction.
func (s *Store) GetIn(ctx context.Context, idb bun.IDB, workspaceID, runID int64) (Run, error) {
	var row runRow
	err := idb.NewSelect().Model(&row).Where("id = ?", runID).Where("workspace_id = ?", workspaceID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Run{}, fault.New(fault.CodeNotFound, "there is no run %d", runID)
	}
	if err != nil {
		return Run{}, fmt.Errorf("reading run %d: %w", runID, err)
	}
	return row.run()
}

// Filter chooses runs of a list.
type Filter struct {
	SyncID   int64
	RunID    int64
	Before   int64     // ids below this one; 0 means from the newest
	Since    time.Time // of the start
	Until    time.Time
	NonEmpty bool // only runs that planned something (SY-70)
	Arrived  bool // only runs with rows that arrived (SY-70)
	States   []State
	Offset   int64
	Limit    int64
	OrderBy  string // id (default), createdAt, startedAt, finishedAt
}

// began is when a run started; one that waits counts from when it was made.
const began = "(CASE WHEN started_at = 0 THEN created_at ELSE started_at END)"

// List returns runs, the newest first.
func (s *Store) List(ctx context.Context, workspaceID int64, f Filter) ([]Run, error) {
	var rows []runRow
	q := s.db.NewSelect().Model(&rows).Where("workspace_id = ?", workspaceID)
	if f.SyncID != 0 {
		q.Where("sync_id = ?", f.SyncID)
	}
	if f.RunID != 0 {
		q.Where("id = ?", f.RunID)
	}
	if f.Before != 0 {
		q.Where("id < ?", f.Before)
	}
	if !f.Since.IsZero() {
		q.Where("? >= ?", bun.Safe(began), clock.Millis(f.Since))
	}
	if !f.Until.IsZero() {
		q.Where("? <= ?", bun.Safe(began), clock.Millis(f.Until))
	}
	for counter, wanted := range map[string]bool{"planned": f.NonEmpty, "succeeded": f.Arrived} {
		if wanted {
			q.Where("counts NOT LIKE ?", `%"`+counter+`":{"added":0,"changed":0,"removed":0}%`)
		}
	}
	if len(f.States) > 0 {
		q.Where("state IN (?)", bun.List(f.States))
	}
	columns := map[string]string{"createdAt": "created_at", "startedAt": began, "finishedAt": "finished_at"}
	if column, ok := columns[f.OrderBy]; ok {
		q.OrderExpr("? DESC", bun.Safe(column))
	}
	if err := q.Order("id DESC").Offset(f.Offset).Limit(f.Limit).Scan(ctx); err != nil {
		return nil, fmt.Errorf("listing runs: %w", err)
	}
	return runsOf(rows)
}

func runsOf(rows []runRow) ([]Run, error) {
	runs := make([]Run, len(rows))
	for i, row := range rows {
		r, err := row.run()
		if err != nil {
			return nil, err
		}
		runs[i] = r
	}
	return runs, nil
}

// syncState is what a sync remembers between runs: a row of sync_state.
type syncState struct {
	bun.BaseModel `bun:"table:sync_state,alias:s"`

	SyncID            int64  `bun:"sync_id,pk"`
	WorkspaceID       int64  `bun:"workspace_id"`
	Epoch             int64  `bun:"epoch"`
	ActiveRunID       int64  `bun:"active_run_id"` // the run that holds the lease or is still to be settled; 0 means none
	Baseline          string `bun:"baseline"`      // baselineObject as JSON; empty means none
	MappingHash       string `bun:"mapping_hash"`
	TargetFingerprint string `bun:"target_fingerprint"`
	PrimaryKey        string `bun:"primary_key"`
	DeletedAt         int64  `bun:"deleted_at"`    // 0: the sync exists
	PendingReset      string `bun:"pending_reset"` // "", resetFull, resetSkip or resetClear
	LastRunID         int64  `bun:"last_run_id"`
	UpdatedAt         int64  `bun:"updated_at"`

	Paused bool `bun:"-"` // the workspace's syncs may not start; known where a run is acquired
}

// state reads what a sync remembers; a sync that never ran has a zero state.
func (s *Store) state(ctx context.Context, idb bun.IDB, syncID int64) (syncState, error) {
	st := syncState{SyncID: syncID}
	err := idb.NewSelect().Model(&st).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return syncState{SyncID: syncID}, nil
	}
	if err != nil {
		return st, fmt.Errorf("reading the state of sync %d: %w", syncID, err)
	}
	return st, nil
}
