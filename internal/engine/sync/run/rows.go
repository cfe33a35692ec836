package run

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/delivery"
	"github.com/millrace/millrace/internal/engine/sync/log"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// RowStatus is what became of a row, in the words of the warehouse log and the web app (SY-55).
type RowStatus string

// The statuses. RowRejected rows were never planned: their key is not unique.
const (
	RowSucceeded RowStatus = "succeeded"
	RowFailed    RowStatus = "failed"
	RowAborted   RowStatus = "aborted"
	RowRejected  RowStatus = "rejected"
	RowPending   RowStatus = "pending" // not sent yet
)

// RowQuery asks for rows of a run (SY-71, SY-73).
type RowQuery struct {
	Statuses  []RowStatus         // any of them; none means all
	Operation connector.Operation // empty means all
	Key       string              // exactly this primary key; empty means all
	Cursor    string
	Limit     int
}

// Row is one row of a run.
type Row struct {
	Ordinal   int64
	Key       string
	Operation connector.Operation
	Status    RowStatus
	Reason    string
	Values    []value.Field
	Before    []value.Field // of a changed row, where the destination asked for it
}

// duplicateReason is why rows that share a key are refused (M-05).
const duplicateReason = "Several rows of the model have this primary key, so none of them is sent. Keep one row for each key."

// sharedReason is why rows that share a key are refused; expanded is the column whose elements are the keys,
// where there is one (SY-90).
func sharedReason(expanded string) string {
	if expanded == "" {
		return duplicateReason
	}
	return fmt.Sprintf("Several rows of the model have this element in %q, so none of them is sent. Keep it in one row.", expanded)
}

// unplanned says why a row was rejected before it could be planned.
func (r *logReader) unplanned(s plan.State) string {
	expanded := r.run.Pinned.Expanded
	switch s {
	case plan.Repeated:
		return fmt.Sprintf("The array in %q has this element before; it is sent once.", expanded)
	case plan.NoArray:
		return fmt.Sprintf("%q holds no array of plain values here, so nothing of this row is sent. Let the model's query make one.", expanded)
	default:
		return r.run.sharedReason()
	}
}

// sharedReason says with the Lightning engine, whose models are SQL, how to keep one row for each key (SY-52).
func (r Run) sharedReason() string {
	if r.Pinned.Engine != connector.EngineLightning || r.Pinned.Expanded != "" {
		return sharedReason(r.Pinned.Expanded)
	}
	key := r.Pinned.PrimaryKey
	return duplicateReason + fmt.Sprintf(" For example: SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY %s ORDER BY %s) AS nth FROM (…) AS model) AS ranked WHERE nth = 1", key, key)
}

// doubtReason is why rows failed of which nobody knows what became of them (FLD-01).
const doubtReason = "It is not known whether the destination took this row: no answer came."

// logReader reads the log of one run. It lives for one request.
type logReader struct {
	*Engine

	run    Run
	stored Stored
	dir    string
	plan   *plan.Plan
	ledger *delivery.Ledger
}

// Rows returns a page of a run's rows and the cursor of the next one. It works while the run is under way.
func (e *Engine) Rows(ctx context.Context, workspaceID, runID int64, q RowQuery) (rows []Row, next string, err error) {
	r, err := e.readLog(ctx, workspaceID, runID)
	if err != nil || r == nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	page, next, err := r.search(ctx, q)
	for _, v := range page {
		rows = append(rows, r.row(v))
	}
	return rows, next, err
}

// statesOf returns the states that a query's statuses stand for; nothing stands for all.
func statesOf(q RowQuery) []plan.State {
	var states []plan.State
	for _, s := range q.Statuses {
		switch s {
		case RowSucceeded:
			states = append(states, plan.Accepted)
		case RowFailed:
			states = append(states, plan.Rejected, plan.Dirty, plan.Duplicate, plan.Repeated, plan.NoArray)
		case RowAborted, RowPending:
			states = append(states, plan.Aborted)
		case RowRejected:
			states = append(states, plan.Duplicate, plan.Repeated, plan.NoArray)
		}
	}
	return states
}

// cursorAt is the cursor of the page that begins with a row.
func cursorAt(ordinal int64) string { return strconv.FormatInt(ordinal, 10) }

// readLog fetches a run's plan and what became of its rows. It returns nil for a run without a plan.
func (e *Engine) readLog(ctx context.Context, workspaceID, runID int64) (*logReader, error) {
	run, err := e.Store.Get(ctx, workspaceID, runID)
	if err != nil || run.Pinned.Plan == nil {
		return nil, err
	}
	if err := e.kept(run); err != nil {
		return nil, err
	}
	stored, err := e.stored(ctx, run)
	if err != nil {
		return nil, err
	}
	var m manifest
	if err := json.Unmarshal(run.Pinned.Plan.Manifest, &m); err != nil {
		return nil, fmt.Errorf("reading the plan of run %d: %w", runID, err)
	}
	r := &logReader{Engine: e, run: run, stored: stored, plan: &m.Plan}
	if err := r.fetch(ctx); err != nil {
		return nil, errors.Join(err, r.close())
	}
	r.ledger = delivery.NewLedger(m.Plan.Removed.Rows, m.Plan.Changed.Rows, m.Plan.Added.Rows)
	if err := r.load(ctx); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// kept refuses what the retention has ended for, whether or not it is removed already (SY-68).
func (e *Engine) kept(r Run) error {
	if !r.State.Ended() || e.Clock.Now().Sub(r.FinishedAt) <= e.Retention {
		return nil
	}
	return fault.New(fault.CodeNotFound, "the rows of run %d are no longer kept", r.ID).
		WithSuggestion("Rows and requests are kept for %d days.", int(e.Retention.Hours()/24))
}

func (r *logReader) close() error {
	if r.dir == "" {
		return nil
	}
	return os.RemoveAll(r.dir)
}

// fetch brings the plan's files into a folder of its own.
func (r *logReader) fetch(ctx context.Context) (err error) {
	if err := os.MkdirAll(filepath.Join(r.Dir, "views"), 0o700); err != nil {
		return fault.Wrap(err, fault.CodeStorage, "making a folder")
	}
	if r.dir, err = os.MkdirTemp(filepath.Join(r.Dir, "views"), "run-*"); err != nil {
		return fault.Wrap(err, fault.CodeStorage, "making a folder")
	}
	r.plan.Dir = r.dir
	for _, name := range r.run.Pinned.Plan.Files {
		key := r.run.Pinned.Plan.Prefix + "/" + name
		if err := r.stored.Download(ctx, r.run.WorkspaceID, key, filepath.Join(r.dir, name)); err != nil {
			return fmt.Errorf("fetching the plan of run %d: %w", r.run.ID, err)
		}
	}
	return nil
}

// load fills the ledger: from the outcomes of a settled run, from the journal of one under way.
func (r *logReader) load(ctx context.Context) error {
	segments, err := r.Store.segments(ctx, r.run.ID, segmentOutcomes, 0)
	if err != nil {
		return err
	}
	if len(segments) == 0 {
		return r.Store.replay(ctx, r.run.ID, r.ledger)
	}
	path := filepath.Join(r.dir, "outcomes")
	if err := r.stored.Download(ctx, r.run.WorkspaceID, segments[0].Path, path); err != nil {
		return fmt.Errorf("fetching the outcomes of run %d: %w", r.run.ID, err)
	}
	frames, err := os.ReadFile(path) //nolint:gosec // a path of our own
	if err != nil {
		return fault.Wrap(err, fault.CodeStorage, "reading the outcomes of run %d", r.run.ID)
	}
	return delivery.DecodeFrames(frames, r.ledger.Apply)
}

// outcome is what became of a planned row of a run that is over.
func (r *logReader) outcome(ordinal int64) (RowStatus, string) {
	switch state, reason := r.ledger.State(ordinal); state {
	case delivery.Accepted:
		return RowSucceeded, ""
	case delivery.NotSent, delivery.Retracted:
		return RowAborted, ""
	default:
		return RowFailed, cmp.Or(reason, doubtReason)
	}
}

func (r *logReader) row(v plan.RowView) Row {
	row := Row{Ordinal: v.Ordinal, Key: v.Key, Operation: v.Operation, Status: RowFailed}
	switch v.State {
	case plan.Accepted:
		row.Status = RowSucceeded
	case plan.Aborted:
		row.Status = RowAborted
		if !r.run.State.Ended() {
			row.Status = RowPending
		}
	case plan.Duplicate, plan.Repeated, plan.NoArray:
		row.Status, row.Reason = RowRejected, r.unplanned(v.State)
	default:
		_, row.Reason = r.ledger.State(v.Ordinal)
	}
	for i, c := range r.plan.Schema {
		row.Values = append(row.Values, value.Field{Name: c.Name, Value: v.Values[i]})
	}
	for i, before := range v.Before {
		row.Before = append(row.Before, value.Field{Name: r.plan.Before[i], Value: before})
	}
	return row
}

// segments lists the indexed objects of a run that hold the ordinal, in the order in which they were made.
func (s *Store) segments(ctx context.Context, runID int64, kind string, ordinal int64) ([]segmentRow, error) {
	var rows []segmentRow
	err := s.db.NewSelect().Model(&rows).Where("run_id = ?", runID).Where("kind = ?", kind).
		Where("first_ordinal <= ?", ordinal).Where("last_ordinal >= ?", ordinal).Order("seq").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("looking up the log of run %d: %w", runID, err)
	}
	return rows, nil
}

// Exchanges returns what was sent and answered for the batches of a row, in the order of the attempts (SY-74).
func (e *Engine) Exchanges(ctx context.Context, workspaceID, runID, ordinal int64) (entries []log.Entry, err error) {
	run, err := e.Store.Get(ctx, workspaceID, runID)
	if err != nil {
		return nil, err
	}
	if err := e.kept(run); err != nil {
		return nil, err
	}
	segments, err := e.Store.segments(ctx, runID, segmentRequests, ordinal)
	if err != nil {
		return nil, err
	}
	stored, err := e.stored(ctx, run)
	if err != nil {
		return nil, err
	}
	for _, s := range segments {
		found, err := entriesOf(ctx, stored, run, s.Path, ordinal)
		if err != nil {
			return nil, err
		}
		entries = append(entries, found...)
	}
	return entries, nil
}

func entriesOf(ctx context.Context, stored Stored, run Run, path string, ordinal int64) (_ []log.Entry, err error) {
	f, err := os.CreateTemp("", "millrace-requests-*")
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeStorage, "making a file")
	}
	defer func() {
		if rerr := os.Remove(f.Name()); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
	}()
	if err := f.Close(); err != nil {
		return nil, fault.Wrap(err, fault.CodeStorage, "making a file")
	}
	if err := stored.Download(ctx, run.WorkspaceID, path, f.Name()); err != nil {
		return nil, fmt.Errorf("fetching the requests of run %d: %w", run.ID, err)
	}
	in, err := os.Open(f.Name())
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeStorage, "reading the requests of run %d", run.ID)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	return log.Find(in, ordinal)
}

// Batch returns the rows of an entry with what became of them.
func (e *Engine) Batch(ctx context.Context, workspaceID, runID int64, entry log.Entry) (rows []Row, err error) {
	r, err := e.readLog(ctx, workspaceID, runID)
	if err != nil || r == nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	for _, span := range entry.Rows {
		page, _, err := e.Planner.Search(ctx, plan.RowsQuery{
			Plan: r.plan, Outcomes: plan.Sorted(outcomes(r.ledger)), Default: plan.Accepted,
			Cursor: cursorAt(span.From), Limit: int(min(span.Len(), maxBatchView)),
		})
		if err != nil {
			return nil, err
		}
		for _, v := range page {
			rows = append(rows, r.row(v))
		}
	}
	return rows, nil
}

// maxBatchView is how many rows of one span are shown beside an exchange.
const maxBatchView = 1000
