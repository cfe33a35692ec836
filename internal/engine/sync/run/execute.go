package run

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/delivery"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/value"
)

// work is what a run gathers on its way.
type work struct {
	bundle   Bundle
	planner  planner
	state    syncState
	place    Place
	baseline *baseline // what was settled before; nil when nothing was
	kind     connector.SyncType
	rules    rules
	options  Options // with what the state of the sync adds to the trigger's

	mapping *mapping.Mapping
	columns value.Schema // of the model's query
	staged  plan.Staged
	plan    plan.Plan
	job     connector.SyncJob
	dest    connector.Destination
	session connector.Session
	pace    *delivery.Outside // of the session's requests outside batches
	ledger  *delivery.Ledger
	stale   bool // the ledger may lack what the journal has
}

// compares reports whether the baseline takes part. A run that was asked to forget it must do without, since the
// reason may be that it is gone.
func (w *work) compares() bool {
	return w.baseline != nil && !w.options.FullResync && !w.options.ResetCDC
}

// close ends the run's connections.
func (w *work) close() error {
	var errs []error
	if w.session != nil {
		errs = append(errs, w.session.Close())
	}
	if w.dest != nil {
		errs = append(errs, w.dest.Close())
	}
	if w.planner != nil {
		errs = append(errs, w.planner.close())
	}
	return errors.Join(errs...)
}

// execute goes through the states and concludes the run, whatever happens on the way.
func (x *execution) execute() error {
	w := &work{}
	defer x.closeWork(w)
	resumed := x.lease.run.State == Delivering
	if resumed {
		if err := x.takeUp(w); err != nil {
			return x.afterFailedSettling(err)
		}
	}
	err := x.perform(w, resumed)
	if pause, ok := errors.AsType[*delivery.Pause](err); ok {
		return x.pause(w, pause)
	}
	return x.conclude(w, err)
}

func (x *execution) closeWork(w *work) {
	if err := w.close(); err != nil {
		x.log.Warn("closing the run's connections", "error", err)
	}
}

// perform does everything up to the last answer. Its error is the run's. Where the run was stopped before it
// delivered, that is the error, and not what the source made of it.
func (x *execution) perform(w *work, resumed bool) error {
	approach := x.approach
	if resumed {
		approach = x.resume
	}
	err := approach(w)
	if err == nil {
		return x.deliver(w)
	}
	if x.drain.Err() != nil {
		return context.Cause(x.drain)
	}
	return err
}

// approach does everything before the first row leaves.
func (x *execution) approach(w *work) error {
	if err := x.prepare(w); err != nil {
		return err
	}
	if err := x.to(Querying); err != nil {
		return err
	}
	if err := w.planner.stage(w); err != nil {
		return err
	}
	x.change(func(r *Run) { r.Pinned.Queried = x.Clock.Now() })
	if err := x.drained(); err != nil {
		return err
	}
	if err := x.to(Planning); err != nil {
		return err
	}
	if err := x.begin(w); err != nil {
		return err
	}
	if err := x.diff(w); err != nil {
		return err
	}
	if err := x.drained(); err != nil {
		return err
	}
	if err := x.announceClear(w); err != nil {
		return err
	}
	if err := x.keepPlan(w); err != nil { // R3
		return err
	}
	return x.to(Delivering)
}

// drained reports why no further step may begin, if so.
func (x *execution) drained() error {
	if x.drain.Err() != nil {
		return context.Cause(x.drain)
	}
	return nil
}

// read reads the documents and what the sync remembers.
func (x *execution) read(w *work) (info connector.DestinationInfo, err error) {
	r := x.lease.run
	if w.bundle, err = x.Documents.Bundle(x.ctx, r.WorkspaceID, r.SyncID); err != nil {
		return info, err
	}
	w.bundle = w.bundle.expanded()
	if w.state, err = x.Store.state(x.ctx, x.Store.db, r.SyncID); err != nil {
		return info, err
	}
	if w.baseline, err = readBaseline(w.state.Baseline); err != nil {
		return info, err
	}
	if w.place, err = x.place(x.ctx, r.WorkspaceID); err != nil {
		return info, err
	}
	if info, err = x.Registry.Destination(w.bundle.DestinationSpec.Type); err != nil {
		return info, err
	}
	if w.kind, err = info.SyncType(w.bundle.SyncSpec.Type); err != nil {
		return info, err
	}
	w.rules = rulesOf(w.bundle.SyncSpec.Mode, w.bundle.SyncSpec.Delete)
	w.options = r.Options
	return info, nil
}

// prepare reads the documents and pins them (R7).
func (x *execution) prepare(w *work) error {
	info, err := x.read(w)
	if err != nil {
		return err
	}
	w.options.FullResync = w.options.FullResync || w.options.ClearAndFill
	switch w.state.PendingReset { // M-07
	case resetClear:
		w.options.ClearAndFill = !w.options.ResetCDC // a person who resets CDC does not want it any more
		w.options.FullResync = w.options.ClearAndFill
	case resetFull:
		w.options.FullResync = true
	case resetSkip:
		w.options.ResetCDC = !w.options.FullResync
	}
	b := w.bundle
	pinned := Pinned{
		Sync: b.Sync, Model: b.Model, Source: b.Source, Destination: b.Destination, PrimaryKey: b.ModelSpec.PrimaryKey,
		Target: fingerprint(info, b), EveryRow: w.rules.everyRow, Resend: b.SyncSpec.InDoubt == sync.InDoubtResend,
		Reset: w.state.PendingReset, Place: w.place.ID, Engine: engineOf(b.SourceSpec), Expanded: b.SyncSpec.Expand,
	}
	if source, err := x.Registry.Source(b.SourceSpec.Type); err == nil { // one that is not there fails the run later
		pinned.Logs = logsOf(source, info, b)
	}
	x.change(func(r *Run) { r.Pinned = pinned })
	if err := b.checkEngine(); err != nil {
		return err
	}
	w.planner = x.planner(w)
	return x.checkBaseline(w)
}

// checkBaseline refuses to compare with a baseline of another key or another target: what was synced
// there says nothing about what is to be synced here.
func (x *execution) checkBaseline(w *work) error {
	if !w.compares() {
		return nil
	}
	if err := w.baseline.checkState(w.place.ID); err != nil && !w.rules.everyRow {
		return err
	}
	if was := w.state.PrimaryKey; was != "" && was != w.bundle.ModelSpec.PrimaryKey {
		return fault.New(fault.CodeRunKeyChanged, "the model's primary key was %q and is %q now", was, w.bundle.ModelSpec.PrimaryKey)
	}
	if was := w.state.TargetFingerprint; was != "" && was != x.lease.run.Pinned.Target {
		return fault.New(fault.CodeRunBaseline, "the sync points to another place in the destination than before").
			WithSuggestion("Run a full resync to send every row to the new place, or reset CDC when the rows are there already.")
	}
	return nil
}

// fingerprint identifies where rows go: the destination's type and the settings that name a place.
func fingerprint(info connector.DestinationInfo, b Bundle) string {
	place := map[string]any{"type": info.Slug, "syncType": b.SyncSpec.Type}
	for _, f := range info.Fields {
		if f.Target {
			place["connection."+f.Name] = connector.Settings(b.DestinationSpec.Configuration).WithDefaults(info.Fields)[f.Name]
		}
	}
	if t, err := info.SyncType(b.SyncSpec.Type); err == nil {
		for _, f := range t.Fields {
			if f.Target {
				place["sync."+f.Name] = connector.Settings(b.SyncSpec.Settings).WithDefaults(t.Fields)[f.Name]
			}
		}
	}
	text, err := json.Marshal(place)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// rules say what a mode does (SY-18).
type rules struct {
	acts     map[connector.Operation]bool
	everyRow bool // no change tracking: every row, every run
}

// rulesOf returns the rules of a mode with a delete behaviour. An update sync also sends rows that are
// new to the model: their records may exist in the destination already, and those that do not are
// not made (docs/decisions).
func rulesOf(m connector.Mode, d connector.DeleteBehavior) rules {
	acts := map[connector.Operation]bool{}
	switch m {
	case connector.ModeInsert, connector.ModeRemove:
		acts[connector.Added] = true
	case connector.ModeUpdate, connector.ModeUpsert, connector.ModeAdd:
		acts[connector.Added], acts[connector.Changed] = true, true
	case connector.ModeDiff, connector.ModeTrigger:
		acts[connector.Added], acts[connector.Changed], acts[connector.Removed] = true, true, true
	case connector.ModeAll, connector.ModeSnapshot, connector.ModeArchive:
		return rules{acts: map[connector.Operation]bool{connector.Added: true}, everyRow: true}
	}
	if d != "" && d != connector.DeleteNothing {
		acts[connector.Removed] = true
	}
	return rules{acts: acts}
}

// openDestination opens the destination of a workspace's bundle.
func (e *Engine) openDestination(ctx context.Context, workspaceID int64, b Bundle, log *slog.Logger) (connector.Destination, error) {
	return e.destination(ctx, workspaceID, b.Destination.ID, b.DestinationSpec, log)
}

// OpenDestination opens a destination, whose secrets are in place, with what it learned in runs.
func (e *Engine) OpenDestination(ctx context.Context, workspaceID, id int64, spec destination.Spec) (connector.Destination, error) {
	return e.destination(ctx, workspaceID, id, spec, e.Log)
}

func (e *Engine) destination(ctx context.Context, workspaceID, id int64, spec destination.Spec, log *slog.Logger) (connector.Destination, error) {
	dir, err := e.privateDir("destination", id)
	if err != nil {
		return nil, err
	}
	return e.Connections.Destination(ctx, workspaceID, spec, connector.DestinationOptions{
		Dir: dir, State: e.State.Of(workspaceID, "destination", id), Clock: e.Clock, Log: log,
	})
}

// begin opens the destination and prepares it for the run.
func (x *execution) begin(w *work) (err error) {
	if w.dest, err = x.openDestination(x.ctx, x.lease.run.WorkspaceID, w.bundle, x.log); err != nil {
		return err
	}
	w.job = x.job(w)
	if err := w.dest.Check(w.job); err != nil {
		return err
	}
	if w.session, err = x.session(w); err != nil {
		return err
	}
	limits := w.session.Limits()
	x.change(func(r *Run) {
		r.Pinned.Idempotency, r.Pinned.Deferred = limits.Idempotency, limits.Deferred
		r.Pinned.Once, r.Pinned.Keyed = nil, operations(w.session, connector.Keyed)
		if !r.Pinned.Resend {
			r.Pinned.Once = operations(w.session, connector.NotIdempotent)
		}
	})
	if limits.Operations != nil {
		w.rules = w.rules.only(limits.Operations)
	}
	return checkFan(w.kind, limits, w.rules)
}

// beginPatience is how long a run waits for limits before it has a plan: until then it cannot pause.
const beginPatience = 5 * time.Minute

// session begins the run at the destination.
func (x *execution) session(w *work) (connector.Session, error) {
	resumed := x.lease.run.State == Delivering
	pace, err := x.outside(w)
	if err != nil {
		return nil, err
	}
	if !resumed {
		pace.Patience = beginPatience
	}
	w.job.Pace, w.pace = pace, pace
	defer pace.Close()
	s, err := w.dest.Begin(x.ctx, w.job)
	pace.Patience = x.Patience
	if pause, is := errors.AsType[*delivery.Pause](err); is && !resumed {
		return nil, fault.Wrap(errors.New(pause.Error()), fault.CodeDestinationThrottled, "beginning the run at the destination")
	}
	return s, err
}

// outside paces what the run asks of its destination besides batches.
func (x *execution) outside(w *work) (*delivery.Outside, error) {
	quotas, err := x.quotas(x.lease.run.WorkspaceID, w.bundle)
	return &delivery.Outside{
		Quotas: quotas, Owner: x.owner(), SyncID: x.lease.run.SyncID, Clock: x.Clock, Log: x.log, Patience: x.Patience, Drain: x.drain,
	}, err
}

// owner names the run and its worker to the quotas.
func (x *execution) owner() string {
	return fmt.Sprintf("%d/%d", x.lease.run.ID, x.lease.run.Epoch)
}

// operations lists those with an idempotency.
func operations(s connector.Session, i connector.Idempotency) []connector.Operation {
	var ops []connector.Operation
	for _, op := range connector.Operations {
		limits := s.Limits()
		if each, ok := s.(connector.OperationLimiter); ok {
			limits = each.LimitsOf(op)
		}
		if limits.Idempotency == i {
			ops = append(ops, op)
		}
	}
	return ops
}

// only keeps what the session acts on (SY-75).
func (r rules) only(ops []connector.Operation) rules {
	acts := map[connector.Operation]bool{}
	for _, op := range ops {
		acts[op] = r.acts[op]
	}
	r.acts = acts
	return r
}

func (x *execution) job(w *work) connector.SyncJob {
	r := x.lease.run
	job := jobOf(w.bundle, w.kind, w.mapping, w.staged.Schema)
	job.RunID, job.StartedAt, job.FirstRun, job.Rows = r.ID, r.StartedAt, w.baseline == nil, w.staged.Kept
	return job
}

// jobOf is what a bundle asks of its destination for rows with the columns of schema.
func jobOf(b Bundle, kind connector.SyncType, m *mapping.Mapping, schema value.Schema) connector.SyncJob {
	job := EmptyJob(b, kind)
	job.Columns, job.Model.Schema = m.Columns(), m.SourceSchema(schema)
	return job
}

// EmptyJob is what a bundle asks of its destination besides rows: nothing is known of columns.
func EmptyJob(b Bundle, kind connector.SyncType) connector.SyncJob {
	return connector.SyncJob{
		SyncID: b.Sync.ID, SyncSlug: b.Sync.Slug,
		Type: kind.Slug, Mode: b.SyncSpec.Mode, Delete: b.SyncSpec.Delete,
		Settings: connector.Settings(b.SyncSpec.Settings).WithDefaults(kind.Fields),
		Match:    b.SyncSpec.Match, AllColumns: b.SyncSpec.AllColumns,
		Model: connector.ModelInfo{ID: b.Model.ID, Name: b.Model.Name, Slug: b.Model.Slug, PrimaryKey: b.ModelSpec.PrimaryKey},
	}
}

// privateDir returns a folder that belongs to one connector.
func (e *Engine) privateDir(kind string, id int64) (string, error) {
	dir := filepath.Join(e.Dir, kind, strconv.FormatInt(id, 10))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fault.Disk(err, "making a folder for the %s", kind)
	}
	return dir, nil
}
