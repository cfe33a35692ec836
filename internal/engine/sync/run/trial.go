package run

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/delivery"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/value"
)

// TrialRequest asks for one row of a sync's model to be sent, to see what becomes of it (SY-11).
type TrialRequest struct {
	WorkspaceID int64
	SyncID      int64
	Key         string // the primary key as text
	Operation   connector.Operation
	Edits       []Edit
}

// Edit gives a column of the row another value, of a type of its own.
type Edit struct {
	Column string
	Type   value.Type
	Value  value.Value
}

// TrialOutcome is what became of the row of a trial.
type TrialOutcome string

// The outcomes.
const (
	TrialSucceeded TrialOutcome = "succeeded"
	TrialRejected  TrialOutcome = "rejected" // by the destination or by the mapping
	TrialInDoubt   TrialOutcome = "in_doubt" // the answer was lost: it may have been taken
	TrialNotSent   TrialOutcome = "not_sent" // something stopped it before: see Failure
)

// Trial is what one row did at the destination.
type Trial struct {
	Key       string
	Operation connector.Operation
	Outcome   TrialOutcome
	Reason    string        // why it did not arrive, in the destination's words
	Failure   *Failure      // what would have ended a run
	Values    []value.Field // the row as the mapping saw it, before the model's casts
	Exchanges []connector.Exchange
	Duration  time.Duration
}

// How long a trial may take: then no further attempt starts, and then the one under way is left in doubt.
const (
	trialTime  = 45 * time.Second
	trialGrace = 15 * time.Second
)

// Try sends one row through the sync's mapping to its destination, as a run would, and tells what was sent and
// answered. It leaves no trace in what the sync remembers: no run, no baseline, no log. A later run sends the row as
// if there had been no trial.
//
// While a run of the sync is under way it works only where the destination takes batches side by side.
func (e *Engine) Try(ctx context.Context, q TrialRequest) (_ Trial, err error) {
	t, err := e.newTrial(ctx, q.WorkspaceID, q.SyncID)
	if err != nil {
		return Trial{}, err
	}
	if err := t.choose(q.Operation); err != nil {
		return Trial{}, err
	}
	if err := t.find(ctx, q.Key); err != nil {
		return Trial{}, err
	}
	if err := t.edit(q.Edits); err != nil {
		return Trial{}, err
	}
	return t.send(ctx)
}

// trial is one row on its way.
type trial struct {
	*Engine

	workspaceID int64
	bundle      Bundle
	kind        connector.SyncType
	state       syncState
	log         *slog.Logger
	op          connector.Operation

	schema value.Schema // of the model
	row    []value.Value
	edited map[string]Edit
}

// newTrial reads the documents, and refuses a sync whose rows cannot be tried one by one.
func (e *Engine) newTrial(ctx context.Context, workspaceID, syncID int64) (*trial, error) {
	t := &trial{Engine: e, workspaceID: workspaceID, log: e.Log.With("sync", syncID)}
	var err error
	if t.bundle, err = e.Documents.Bundle(ctx, workspaceID, syncID); err != nil {
		return nil, err
	}
	t.bundle = t.bundle.expanded()
	if err := t.bundle.checkEngine(); err != nil {
		return nil, err
	}
	if t.state, err = e.Store.state(ctx, e.Store.db, syncID); err != nil {
		return nil, err
	}
	info, err := e.Registry.Destination(t.bundle.DestinationSpec.Type)
	if err != nil {
		return nil, err
	}
	if t.kind, err = info.SyncType(t.bundle.SyncSpec.Type); err != nil {
		return nil, err
	}
	return t, untestable(t.kind, t.bundle.SyncSpec.Mode)
}

// untestable says why a single row tells nothing or would do harm.
func untestable(kind connector.SyncType, mode connector.Mode) error {
	switch {
	case mode == connector.ModeAll:
		return fault.New(fault.CodeRunUntestable, "this sync replaces everything that its target holds, so a single row would be all that is left")
	case mode == connector.ModeSnapshot, kind.Deferred:
		return fault.New(fault.CodeRunUntestable, "this sync writes files, which are whole only with all rows of a run")
	default:
		return nil
	}
}

// choose refuses an operation that the sync does nothing for (SY-75).
func (t *trial) choose(op connector.Operation) error {
	if !slices.Contains(connector.Operations, op) {
		return fault.New(fault.CodeInvalid, "there is no operation %q; there are added, changed and removed", op).WithPath("operation")
	}
	t.op = op
	return t.acts(rulesOf(t.bundle.SyncSpec.Mode, t.bundle.SyncSpec.Delete))
}

func (t *trial) acts(r rules) error {
	if r.acts[t.op] {
		return nil
	}
	var able []string
	for _, op := range connector.Operations {
		if r.acts[op] {
			able = append(able, string(op))
		}
	}
	return fault.New(fault.CodeRunUntestable, "by its configuration this sync does nothing for rows that were %s", t.op).WithPath("operation").
		WithSuggestion("Send the row as one that was %s.", strings.Join(able, " or "))
}

// edit notes the values that a person wants. What identifies the row stays as it is.
func (t *trial) edit(edits []Edit) error {
	t.edited = map[string]Edit{}
	var issues fault.Issues
	for _, d := range edits {
		path := "values." + d.Column
		switch {
		case t.schema.Index(d.Column) < 0:
			issues.Add(path, fault.CodeModelColumn, "the model has no column %q", d.Column)
			continue
		case t.fixed(d.Column) != "":
			issues.Add(path, fault.CodeInvalid, "the value of %q cannot be changed: %s", d.Column, t.fixed(d.Column))
			continue
		}
		v, err := mapping.Cast(d.Value, d.Type)
		if err != nil {
			issues = append(issues, fault.As(err).WithPath(path))
			continue
		}
		d.Value = v
		t.edited[d.Column] = d
	}
	return issues.Err()
}

// fixed says why a column's value cannot be changed; empty where it can.
func (t *trial) fixed(column string) string {
	if column == t.bundle.ModelSpec.PrimaryKey {
		return "it is the primary key, by which the row is known"
	}
	for _, pair := range t.bundle.SyncSpec.Match {
		if pair.From == column {
			return "rows are matched to records by it"
		}
	}
	return ""
}

// changed is the bundle and the columns as the edits make them: a column has the type of its new value, and no cast.
func (t *trial) changed() (Bundle, value.Schema) {
	b, schema := t.bundle, slices.Clone(t.schema)
	b.ModelSpec.Columns = slices.Clone(b.ModelSpec.Columns)
	for i, c := range b.ModelSpec.Columns {
		if _, edited := t.edited[c.Name]; edited {
			b.ModelSpec.Columns[i].Cast = ""
		}
	}
	for i, c := range schema {
		if d, edited := t.edited[c.Name]; edited {
			schema[i].Type, schema[i].Native = d.Type, ""
		}
	}
	return b, schema
}

// values are the row as the edits make it.
func (t *trial) values() []value.Value {
	row := slices.Clone(t.row)
	for i, c := range t.schema {
		if d, edited := t.edited[c.Name]; edited {
			row[i] = d.Value
		}
	}
	return row
}

// send opens the destination and delivers the row.
func (t *trial) send(ctx context.Context) (Trial, error) {
	bundle, schema := t.changed()
	m, err := compileMapping(bundle, t.kind, schema)
	if err != nil {
		return Trial{}, err
	}
	job := jobOf(bundle, t.kind, m, pick(schema, m.Referenced()))
	job.StartedAt, job.FirstRun, job.Rows = t.Clock.Now(), t.state.Baseline == "", 1
	dest, err := t.openDestination(ctx, t.workspaceID, bundle, t.log)
	if err != nil {
		return Trial{}, err
	}
	defer t.closing(dest.Close)
	if err := dest.Check(job); err != nil {
		return Trial{}, err
	}
	quotas, err := t.quotas(t.workspaceID, bundle)
	if err != nil {
		return Trial{}, err
	}
	outside := &delivery.Outside{
		Quotas: quotas, Owner: trialID(job), SyncID: job.SyncID, Clock: t.Clock, Log: t.log, Patience: trialTime, Drain: ctx,
	}
	job.Pace = outside
	session, err := dest.Begin(ctx, job)
	outside.Close()
	if err != nil {
		return Trial{}, held(err)
	}
	defer t.closing(session.Close)
	if err := t.allowed(ctx, session.Limits()); err != nil {
		return Trial{}, err
	}
	row, err := t.mapped(m, job, session.Limits())
	if err != nil {
		return Trial{}, err
	}
	return t.deliver(ctx, &delivery.Delivery{
		PlanID: trialID(job), Job: job, Session: single{session}, Resolver: resolverOf(dest), Chunks: row, Clock: t.Clock, Log: t.log,
		Quotas: quotas, Owner: trialID(job), Outside: outside, Patience: trialTime,
	}, row), nil
}

func resolverOf(dest connector.Destination) connector.Resolver {
	r, _ := dest.(connector.Resolver)
	return r
}

func (t *trial) closing(end func() error) {
	if err := end(); err != nil {
		t.log.Warn("closing the destination after a trial", "error", err)
	}
}

// allowed refuses what the session does not act on, and to step between the batches of a run where the destination
// takes them one at a time.
func (t *trial) allowed(ctx context.Context, limits connector.Limits) error {
	if limits.Deferred {
		return fault.New(fault.CodeRunUntestable, "this sync's rows count only once a run is over")
	}
	if limits.Operations != nil {
		if err := t.acts(rulesOf(t.bundle.SyncSpec.Mode, t.bundle.SyncSpec.Delete).only(limits.Operations)); err != nil {
			return err
		}
	}
	if limits.Concurrency > 1 {
		return nil
	}
	st, err := t.Store.state(ctx, t.Store.db, t.bundle.Sync.ID)
	if err != nil || st.ActiveRunID == 0 {
		return err
	}
	return fault.New(fault.CodeConflict, "run %d of this sync is under way, and its destination takes one batch at a time", st.ActiveRunID).
		WithSuggestion("Try again when run %d is over.", st.ActiveRunID)
}

// deliver sends the row, within the limits that runs keep to together. What comes of it is in the trial, also where
// a run would have failed.
func (t *trial) deliver(ctx context.Context, d *delivery.Delivery, row *trialRow) Trial {
	ctx, cancel := context.WithTimeout(ctx, trialTime+trialGrace)
	defer cancel()
	late := fault.New(fault.CodeRunUntestable, "the destination let nothing through within %d seconds", int(trialTime.Seconds())).
		WithSuggestion("Its rate limit, or an answer that asks to wait, holds the row back; try again later.")
	drain, stop := context.WithTimeoutCause(ctx, trialTime, late)
	defer stop()
	d.Ledger = delivery.NewLedger(one(t.op, connector.Removed), one(t.op, connector.Changed), one(t.op, connector.Added))
	d.Journal = delivery.NewJournal(ctx, forgetful{}, d.Ledger)
	defer d.Journal.Close()
	seen := &exchanges{}
	d.Exchanges = seen
	began := time.Now()
	err := d.Run(ctx, drain)
	r := Trial{Key: row.key, Operation: t.op, Values: row.shown, Exchanges: seen.list(), Duration: time.Since(began)}
	r.Outcome, r.Reason = outcomeOf(d.Ledger)
	r.Failure = failureOf(held(err))
	return r
}

// held says that a limit holds the row back, where that is what ended the delivery.
func held(err error) error {
	if pause, ok := errors.AsType[*delivery.Pause](err); ok {
		return fault.New(fault.CodeRunUntestable, "%s", pause.Error()).WithSuggestion("Test the row again after that time. Runs wait for it by themselves.")
	}
	return err
}

func one(op, wanted connector.Operation) int64 {
	if op == wanted {
		return 1
	}
	return 0
}

func outcomeOf(l *delivery.Ledger) (TrialOutcome, string) {
	switch state, reason := l.State(0); state {
	case delivery.Accepted:
		return TrialSucceeded, ""
	case delivery.Rejected, delivery.Partial:
		return TrialRejected, reason
	case delivery.InDoubt:
		return TrialInDoubt, reason
	default:
		return TrialNotSent, reason
	}
}

// single feeds a session with one row: there is nothing to wait for afterwards.
type single struct{ connector.Session }

var _ connector.OperationLimiter = single{}

func (s single) Limits() connector.Limits { return alone(s.Session.Limits()) }

// LimitsOf returns the session's own limits of an operation, where it has them.
func (s single) LimitsOf(op connector.Operation) connector.Limits {
	if each, ok := s.Session.(connector.OperationLimiter); ok {
		return alone(each.LimitsOf(op))
	}
	return s.Limits()
}

func alone(l connector.Limits) connector.Limits {
	l.Rows, l.Concurrency, l.WaitOut, l.Pause = 1, 1, false, 0
	return l
}

// forgetful is the journal of a trial: nothing is settled later.
type forgetful struct{}

var _ delivery.Appender = forgetful{}

// Append keeps nothing.
func (forgetful) Append(context.Context, []byte) error { return nil }

// exchanges gathers what was sent and answered.
type exchanges struct {
	mu  sync.Mutex
	all []connector.Exchange
}

var _ delivery.Exchanges = (*exchanges)(nil)

// Record keeps the exchanges of a batch.
func (x *exchanges) Record(b delivery.BatchExchanges) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.all = append(x.all, b.Exchanges...)
}

func (x *exchanges) list() []connector.Exchange {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.all)
}
