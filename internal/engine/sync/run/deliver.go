package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/delivery"
	"github.com/millrace/millrace/internal/engine/sync/log"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/value"
)

// diff compares the staged rows with the baseline.
func (x *execution) diff(w *work) error {
	limits := w.session.Limits()
	if (w.baseline == nil || w.options.FullResync) && limits.SkipInitial { // a full resync is a first run (SY-12)
		w.options.ResetCDC, w.options.FullResync = true, false
	}
	in := plan.DiffInput{
		Staged: w.staged, Dir: x.dir, FullResync: w.options.FullResync, ResetCDC: w.options.ResetCDC,
		MappingChanged: w.state.MappingHash != "" && w.state.MappingHash != x.lease.run.Pinned.Mapping,
		Rules: plan.ModeRules{
			AddedActs: w.rules.acts[connector.Added], ChangedActs: w.rules.acts[connector.Changed],
			RemovedActs: w.rules.acts[connector.Removed], EveryRow: w.rules.everyRow,
		},
	}
	for _, pair := range w.bundle.SyncSpec.Match {
		in.Identify = append(in.Identify, pair.From)
	}
	if limits.NeedBefore {
		in.Before = w.mapping.Referenced()
	}
	if w.compares() && !w.rules.everyRow {
		if err := w.planner.recall(w); err != nil {
			return err
		}
		in.Baseline, in.BaselineDir = &w.baseline.Baseline, x.baselineDir()
	}
	p, err := w.planner.diff(x.drain, in)
	if err != nil {
		return err
	}
	w.plan = p
	w.ledger = delivery.NewLedger(p.Removed.Rows, p.Changed.Rows, p.Added.Rows)
	x.change(func(r *Run) { r.Counts = countsOf(p.Counts) })
	return nil
}

// baselineFault says that the baseline is lost where it is, and what keeps it from being read where it is not.
func baselineFault(err error) error {
	const doing = "reading what was synced before"
	if fault.Is(err, fault.CodeNotFound) {
		return fault.Wrap(err, fault.CodeRunBaseline, doing)
	}
	return fmt.Errorf(doing+": %w", err)
}

// countsOf takes over what the planner counted.
func countsOf(c plan.Counts) Counts {
	return Counts{
		Read: c.Read, Rows: opCounts(c.Found), Unchanged: c.Unchanged, NullKeys: c.NullKeys, Duplicates: c.Rejected(),
		Ignored: opCounts(c.Ignored), Planned: opCounts(c.Planned),
	}
}

func opCounts(t plan.Tally) OpCounts {
	return OpCounts{Added: t.Added, Changed: t.Changed, Removed: t.Removed}
}

// settled adds what became of the rows.
func (c Counts) settled(l *delivery.Ledger, over bool) Counts {
	for _, op := range connector.Operations {
		doubt := l.Count(op, delivery.InDoubt)
		failed := l.Count(op, delivery.Rejected) + l.Count(op, delivery.Partial)
		if over {
			failed += doubt // until the run is over, a row in doubt is one on its way
		}
		c.Succeeded.set(op, l.Count(op, delivery.Accepted))
		c.Failed.set(op, failed)
	}
	if over {
		c.InDoubt = l.Total(delivery.InDoubt)
		c = c.ended()
	}
	return c
}

// ended counts what was planned and has no answer as aborted, wherever the run ended (FLD-02).
func (c Counts) ended() Counts {
	c.Aborted = OpCounts{
		Added:   c.Planned.Added - c.Succeeded.Added - c.Failed.Added,
		Changed: c.Planned.Changed - c.Succeeded.Changed - c.Failed.Changed,
		Removed: c.Planned.Removed - c.Succeeded.Removed - c.Failed.Removed,
	}
	return c
}

// prefixes of a run's objects. Baselines outlive the run; the plan and the request log expire.
func (r Run) baselinePrefix() string { return fmt.Sprintf("syncs/%d/baseline/%d", r.SyncID, r.ID) }
func (r Run) logPrefix() string      { return fmt.Sprintf("syncs/%d/runs/%d", r.SyncID, r.ID) }

// keepPlan brings the plan and the staged rows to storage before the first row leaves (R3). A plan
// without rows needs no keeping: nothing can be lost.
func (x *execution) keepPlan(w *work) error {
	if w.plan.Rows() == 0 {
		return nil
	}
	m := manifest{Plan: w.plan, Staged: w.staged, Columns: w.columns}
	if w.compares() {
		m.Old = w.baseline
	}
	manifest, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encoding the plan: %w", err)
	}
	if err := x.litter(); err != nil {
		return err
	}
	r := x.lease.run
	o := &PlanObject{Prefix: r.logPrefix(), Files: planFiles(w.plan), Baseline: r.baselinePrefix(), Manifest: manifest}
	if err := x.keep(w.plan.Dir, o.Prefix, o.Files); err != nil {
		return err
	}
	if !w.rules.everyRow {
		o.Staged = w.staged.Files
		if err := x.keep(w.staged.Dir, o.Baseline, o.Staged); err != nil {
			return err
		}
	}
	x.change(func(r *Run) { r.Pinned.Plan = o })
	x.reach("kept")
	return nil
}

// manifest is what settling a run after a crash needs to know of its plan.
type manifest struct {
	Plan   plan.Plan   `json:"plan"`
	Staged plan.Staged `json:"staged"`
	Old    *baseline   `json:"old,omitempty"`

	Columns value.Schema `json:"columns,omitempty"` // of the model's query, to compile its mapping again
}

func planFiles(p plan.Plan) []string {
	var names []string
	for _, s := range []plan.Section{p.Removed, p.Changed, p.Added, p.Duplicates, p.Repeated, p.NoArray} {
		for _, f := range s.Files {
			if !slices.Contains(names, f.Name) {
				names = append(names, f.Name)
			}
		}
	}
	return names
}

// keep uploads files of a folder under a prefix.
func (x *execution) keep(dir, prefix string, names []string) error {
	for _, name := range names {
		if err := x.Storage.Upload(x.ctx, x.lease.run.WorkspaceID, prefix+"/"+name, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// deliver sends the plan's rows.
func (x *execution) deliver(w *work) (err error) {
	counts := x.lease.run.Counts
	x.count(func() Counts { return counts.settled(w.ledger, false) })
	defer x.count(nil)

	frames, err := x.frames()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, frames.close()) }()
	journal := delivery.NewJournal(x.ctx, frames, w.ledger)
	defer func() {
		journal.Close()
		w.stale = journal.Broken()
	}()
	feed := x.feed(w)
	defer func() { err = errors.Join(err, feed.close()) }()
	earlier, err := x.recallDoubts(w)
	if err != nil {
		return err
	}
	repeats := &repeats{chunks: x.feed(w), ledger: w.ledger, earlier: earlier}
	defer repeats.drop()
	retract := x.retractions(w)
	defer func() { err = errors.Join(err, retract.close()) }()
	d := &delivery.Delivery{
		Job: w.job, Session: w.session,
		Resend: x.lease.run.Pinned.Resend, Chunks: feed, Journal: journal, Ledger: w.ledger, Clock: x.Clock, Log: x.log,
		Owner: x.owner(), Outside: w.pace, Patience: x.Patience,
		Lost: func() error { return x.lease.mayBeLost(x.Store.LeaseTime * 4 / 5) }, // before requests under way are given up
	}
	if d.PlanID, err = x.planID(); err != nil {
		return err
	}
	if d.Quotas, err = x.quotas(x.lease.run.WorkspaceID, w.bundle); err != nil {
		return err
	}
	if retract.fan != nil {
		d.Retract = retract
	}
	if len(earlier) > 0 {
		d.Repeats = repeats
	}
	d.Resolver, _ = w.dest.(connector.Resolver)
	if x.keepsRequests(w) {
		r := x.lease.run // the epoch keeps a worker that lost the run from writing over its successor's
		requests := log.NewWriter(x.ctx, requestSink{x}, x.dir, fmt.Sprintf("%s/requests-%d", r.logPrefix(), r.Epoch))
		if err := x.continueLog(requests); err != nil {
			return err
		}
		d.Exchanges = requests
		defer func() {
			if cerr := requests.Close(); cerr != nil { // the log is an aid: its loss does not fail a run
				x.log.Warn("keeping the request log", "error", cerr)
			}
		}()
	}
	if err := x.clear(w); err != nil {
		return err
	}
	return d.Run(x.ctx, x.drain)
}

// keepsRequests: the modes that replace everything keep no request log (SY-68).
func (x *execution) keepsRequests(w *work) bool {
	m := w.bundle.SyncSpec.Mode
	return m != connector.ModeAll && m != connector.ModeArchive
}

// feed connects the plan to the delivery.
func (x *execution) feed(w *work) *chunks {
	r := x.lease.run
	return &chunks{
		plan: &w.plan, mapping: w.mapping, limits: w.session.Limits(), vars: variables(w.bundle, r.ID, r.StartedAt),
		fan: fanOf(w.kind, w.mapping, w.bundle.SyncSpec.Match),
	}
}

// retractions are what rows had and lost, which is removed like the rows themselves; without a fan there are none.
func (x *execution) retractions(w *work) *chunks {
	c := x.feed(w)
	c.retract = true
	if !w.rules.acts[connector.Removed] {
		c.fan = nil
	}
	return c
}

// variables are what the mappings of a run see besides the row (SY-27).
func variables(b Bundle, runID int64, now time.Time) *mapping.Variables {
	return &mapping.Variables{ModelID: b.Model.ID, ModelName: b.Model.Name, SyncID: b.Sync.ID, RunID: runID, Now: now}
}
