package sequence

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/sequence"
	"github.com/uptrace/bun"
)

// runRow is a row of sequence_runs. Times are milliseconds since 1970 UTC; 0 means not yet.
type runRow struct {
	bun.BaseModel `bun:"table:sequence_runs,alias:r"`

	ID              int64  `bun:"id,pk"`
	UUID            string `bun:"uuid"`
	WorkspaceID     int64  `bun:"workspace_id"`
	SequenceID      int64  `bun:"sequence_id"`
	SequenceSlug    string `bun:"sequence_slug"`
	Revision        int64  `bun:"revision"`
	Trigger         string `bun:"trigger"`
	State           string `bun:"state"`
	CancelRequested bool   `bun:"cancel_requested"`
	CreatedAt       int64  `bun:"created_at"`
	StartedAt       int64  `bun:"started_at"`
	FinishedAt      int64  `bun:"finished_at"`
	Error           string `bun:"error"`
}

// stepRow is a row of sequence_steps.
type stepRow struct {
	bun.BaseModel `bun:"table:sequence_steps,alias:t"`

	SequenceRunID int64   `bun:"sequence_run_id,pk"`
	Position      int64   `bun:"position,pk"` // from 0
	SyncSlug      string  `bun:"sync_slug"`
	SyncID        int64   `bun:"sync_id"`
	Terminate     string  `bun:"terminate"`
	MaxCount      int64   `bun:"max_count"`
	MaxPercent    float64 `bun:"max_percent"`
	RunID         int64   `bun:"run_id"`
	Own           bool    `bun:"own"`
	State         string  `bun:"state"`
	Rejected      int64   `bun:"rejected"`
	StartedAt     int64   `bun:"started_at"`
	FinishedAt    int64   `bun:"finished_at"`
	Error         string  `bun:"error"`
}

func (r runRow) run() Run {
	return Run{
		ID: r.ID, UUID: r.UUID, WorkspaceID: r.WorkspaceID, SequenceID: r.SequenceID, SequenceSlug: r.SequenceSlug,
		Revision: r.Revision, Trigger: r.Trigger, State: State(r.State), CancelRequested: r.CancelRequested,
		CreatedAt: clock.FromMillis(r.CreatedAt), StartedAt: clock.FromMillis(r.StartedAt), FinishedAt: clock.FromMillis(r.FinishedAt), Error: r.Error,
	}
}

func toRow(r Run) *runRow {
	return &runRow{
		ID: r.ID, UUID: r.UUID, WorkspaceID: r.WorkspaceID, SequenceID: r.SequenceID, SequenceSlug: r.SequenceSlug,
		Revision: r.Revision, Trigger: r.Trigger, State: string(r.State), CancelRequested: r.CancelRequested,
		CreatedAt: clock.Millis(r.CreatedAt), StartedAt: clock.Millis(r.StartedAt), FinishedAt: clock.Millis(r.FinishedAt), Error: r.Error,
	}
}

func (s stepRow) step() Step {
	return Step{
		Sync: s.SyncSlug, SyncID: s.SyncID, Terminate: sequence.Terminate(s.Terminate),
		Limit: sequence.Limit{Count: s.MaxCount, Percent: s.MaxPercent}, RunID: s.RunID, Own: s.Own, State: StepState(s.State),
		Rejected: s.Rejected, StartedAt: clock.FromMillis(s.StartedAt), FinishedAt: clock.FromMillis(s.FinishedAt), Error: s.Error,
	}
}

func toStepRow(runID int64, position int, s Step) *stepRow {
	return &stepRow{
		SequenceRunID: runID, Position: int64(position), SyncSlug: s.Sync, SyncID: s.SyncID, Terminate: string(s.Terminate),
		MaxCount: s.Limit.Count, MaxPercent: s.Limit.Percent, RunID: s.RunID, Own: s.Own, State: string(s.State),
		Rejected: s.Rejected, StartedAt: clock.Millis(s.StartedAt), FinishedAt: clock.Millis(s.FinishedAt), Error: s.Error,
	}
}

// Filter chooses runs of a list.
type Filter struct {
	SequenceID int64
	Before     int64 // ids below this one; 0 means from the newest
	Offset     int
	Limit      int
}

// List returns runs with their steps, the newest first.
func (e *Engine) List(ctx context.Context, workspaceID int64, f Filter) ([]Run, error) {
	return e.find(ctx, e.DB, func(q *bun.SelectQuery) {
		q.Where("workspace_id = ?", workspaceID).Order("id DESC").Offset(int64(f.Offset)).Limit(int64(f.Limit))
		if f.SequenceID != 0 {
			q.Where("sequence_id = ?", f.SequenceID)
		}
		if f.Before != 0 {
			q.Where("id < ?", f.Before)
		}
	})
}

// Newest returns the newest run of every sequence of a workspace that ever ran, by the sequence's number.
func (e *Engine) Newest(ctx context.Context, workspaceID int64) (map[int64]Run, error) {
	runs, err := e.find(ctx, e.DB, func(q *bun.SelectQuery) {
		q.Where("workspace_id = ?", workspaceID).
			Where("id IN (SELECT max(id) FROM sequence_runs WHERE workspace_id = ? GROUP BY sequence_id)", workspaceID)
	})
	newest := make(map[int64]Run, len(runs))
	for _, r := range runs {
		newest[r.SequenceID] = r
	}
	return newest, err
}

// Latest returns the newest run of a sequence, nil when it never ran.
func (e *Engine) Latest(ctx context.Context, workspaceID, sequenceID int64) (*Run, error) {
	runs, err := e.List(ctx, workspaceID, Filter{SequenceID: sequenceID, Limit: 1})
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	return &runs[0], nil
}

// Get returns a run of a workspace.
func (e *Engine) Get(ctx context.Context, workspaceID, id int64) (Run, error) {
	return e.one(ctx, e.DB, func(q *bun.SelectQuery) { q.Where("workspace_id = ?", workspaceID).Where("id = ?", id) }, id)
}

// GetByUUID returns a run of a workspace by its UUID.
func (e *Engine) GetByUUID(ctx context.Context, workspaceID int64, id string) (Run, error) {
	return e.one(ctx, e.DB, func(q *bun.SelectQuery) { q.Where("workspace_id = ?", workspaceID).Where("uuid = ?", id) }, id)
}

func (e *Engine) one(ctx context.Context, idb bun.IDB, where func(*bun.SelectQuery), name any) (Run, error) {
	runs, err := e.find(ctx, idb, where)
	if err != nil {
		return Run{}, err
	}
	if len(runs) == 0 {
		return Run{}, fault.New(fault.CodeNotFound, "there is no run %v of a sequence", name)
	}
	return runs[0], nil
}

// find reads runs with their steps.
func (e *Engine) find(ctx context.Context, idb bun.IDB, where func(*bun.SelectQuery)) ([]Run, error) {
	var rows []runRow
	q := idb.NewSelect().Model(&rows)
	where(q)
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("reading runs of sequences: %w", err)
	}
	runs, place, ids := make([]Run, len(rows)), make(map[int64]int, len(rows)), make([]int64, len(rows))
	for i, row := range rows {
		runs[i], place[row.ID], ids[i] = row.run(), i, row.ID
	}
	if len(rows) == 0 {
		return runs, nil
	}
	var steps []stepRow
	err := idb.NewSelect().Model(&steps).Where("sequence_run_id IN (?)", bun.List(ids)).Order("sequence_run_id", "position").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the steps of sequences: %w", err)
	}
	for _, s := range steps {
		r := &runs[place[s.SequenceRunID]]
		r.Steps = append(r.Steps, s.step())
	}
	return runs, nil
}

// stateRow is a row of sequence_state: the lock of a sequence, and what holds it.
type stateRow struct {
	bun.BaseModel `bun:"table:sequence_state,alias:s"`

	SequenceID  int64 `bun:"sequence_id,pk"`
	WorkspaceID int64 `bun:"workspace_id"`
	ActiveRunID int64 `bun:"active_run_id"` // the run under way; 0 means none
}

// lock reads a sequence's state for change, and makes the row where there is none. Everything that changes runs of the
// sequence comes this way.
func (e *Engine) lock(ctx context.Context, tx bun.Tx, workspaceID, sequenceID int64) (stateRow, error) {
	fresh := &stateRow{SequenceID: sequenceID, WorkspaceID: workspaceID}
	if _, err := tx.NewInsert().Model(fresh).On("CONFLICT (sequence_id) DO NOTHING").Exec(ctx); err != nil {
		return stateRow{}, fmt.Errorf("making the state of sequence %d: %w", sequenceID, err)
	}
	row := stateRow{SequenceID: sequenceID}
	q := tx.NewSelect().Model(&row).WherePK()
	if e.DB.IsPostgres() {
		q.For("UPDATE")
	}
	if err := q.Scan(ctx); err != nil {
		return row, fmt.Errorf("reading the state of sequence %d: %w", sequenceID, err)
	}
	return row, nil
}

func (e *Engine) hold(ctx context.Context, tx bun.Tx, sequenceID, runID int64) error {
	if _, err := tx.NewUpdate().Table("sequence_state").Set("active_run_id = ?", runID).Where("sequence_id = ?", sequenceID).Exec(ctx); err != nil {
		return fmt.Errorf("changing the state of sequence %d: %w", sequenceID, err)
	}
	return nil
}

// save writes a run as it is, without its steps.
func (e *Engine) save(ctx context.Context, tx bun.Tx, r Run) error {
	if _, err := tx.NewUpdate().Model(toRow(r)).WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("saving run %d of a sequence: %w", r.ID, err)
	}
	return nil
}

// saveStep writes one step of a run.
func (e *Engine) saveStep(ctx context.Context, tx bun.Tx, r Run, position int) error {
	_, err := tx.NewInsert().Model(toStepRow(r.ID, position, r.Steps[position])).On("CONFLICT (sequence_run_id, position) DO UPDATE").
		Set("sync_id = excluded.sync_id").Set("run_id = excluded.run_id").Set("own = excluded.own").Set("state = excluded.state").
		Set("rejected = excluded.rejected").Set("started_at = excluded.started_at").Set("finished_at = excluded.finished_at").
		Set("error = excluded.error").Exec(ctx)
	if err != nil {
		return fmt.Errorf("saving step %d of run %d of a sequence: %w", position+1, r.ID, err)
	}
	return nil
}

// waiting returns the sequence's run that waits; nil when there is none.
func (e *Engine) waiting(ctx context.Context, tx bun.Tx, sequenceID int64) (*Run, error) {
	var row runRow
	err := tx.NewSelect().Model(&row).Where("sequence_id = ?", sequenceID).Where("state = ?", string(Pending)).Order("id").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // none
	}
	if err != nil {
		return nil, fmt.Errorf("looking for a waiting run of sequence %d: %w", sequenceID, err)
	}
	r := row.run()
	return &r, nil
}
