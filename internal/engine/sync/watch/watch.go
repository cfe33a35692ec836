// Package watch measures syncs for their alerts: after each run, while runs are under way, and when time alone changes
// something (SY-66). What becomes of the readings is alert's business.
package watch

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/millrace/millrace/internal/alert"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/kind/channel"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
)

// Kind is the kind of the documents that are watched.
const Kind = "sync"

// How often the clock alone makes a sync be looked at.
const (
	PulseEvery = time.Minute     // syncs that run, and runs that nobody evaluated
	RoundEvery = 5 * time.Minute // all of them
)

// actor is who reads the documents.
const actor = "millrace"

// Documents reads documents; resource.Store does.
type Documents interface {
	Get(ctx context.Context, sc resource.Scope, kind, slug string) (resource.Document, error)
	GetByID(ctx context.Context, sc resource.Scope, kind string, id int64) (resource.Document, error)
	List(ctx context.Context, sc resource.Scope, kind string, f resource.Filter) ([]resource.Document, int, error)
}

var _ Documents = (*resource.Store)(nil)

// Watcher measures syncs.
type Watcher struct {
	Documents Documents
	Runs      *run.Store
	Alerts    *alert.Store
	Clock     clock.Clock
	Log       *slog.Logger
}

// Subject is a sync as alerts know it.
func Subject(workspaceID int64, d resource.Document) alert.Subject {
	return alert.Subject{
		WorkspaceID: workspaceID, Kind: Kind, ID: d.ID, UUID: d.UUID, Slug: d.Slug, Name: d.Name,
		Path: "/syncs/" + url.PathEscape(d.Slug) + "?tab=alerts",
	}
}

// watched is a sync with what counts for it.
type watched struct {
	subject    alert.Subject
	created    time.Time
	policy     alerting.Policy
	recipients []alert.Recipient
}

// Policy combines what a sync and its destination say (SY-62).
func Policy(s sync.Spec, d destination.Spec) alerting.Policy {
	return alerting.Effective(alerting.SyncTypes, s.Alerts, d.Alerts)
}

func (w *Watcher) read(ctx context.Context, workspaceID, syncID int64) (watched, error) {
	sc := resource.Scope{WorkspaceID: workspaceID, Actor: actor}
	d, err := w.Documents.GetByID(ctx, sc, Kind, syncID)
	if err != nil {
		return watched{}, err
	}
	spec := d.Spec.(*sync.Spec) //nolint:forcetypeassert // the kind's own spec
	dest, err := w.Documents.Get(ctx, sc, "destination", spec.Destination)
	if err != nil {
		return watched{}, err
	}
	out := watched{subject: Subject(workspaceID, d), created: d.CreatedAt, policy: Policy(*spec, *dest.Spec.(*destination.Spec))} //nolint:forcetypeassert // the kind's own spec
	channels := map[string]channel.Spec{}
	for _, r := range out.policy.Recipients {
		c, err := w.Documents.Get(ctx, sc, alerting.ChannelKind, r.Channel)
		if fault.Is(err, fault.CodeNotFound) {
			continue
		}
		if err != nil {
			return watched{}, err
		}
		channels[r.Channel] = *c.Spec.(*channel.Spec) //nolint:forcetypeassert // the kind's own spec
	}
	out.recipients = alert.Recipients(out.policy, channels)
	return out, nil
}

// Ended evaluates a sync whose run is over. A run that is missed here, since the process died, is found by Pulse.
func (w *Watcher) Ended(ctx context.Context, r run.Run) {
	w.check(ctx, r.WorkspaceID, r.SyncID)
}

func (w *Watcher) check(ctx context.Context, workspaceID, syncID int64) {
	if err := w.Check(ctx, workspaceID, syncID); err != nil && ctx.Err() == nil {
		w.Log.Error("evaluating the alerts of a sync", "sync", syncID, "error", err)
	}
}

// Pulse looks at the syncs that run, and at those with a run that nobody evaluated. One process does so at a time.
func (w *Watcher) Pulse(ctx context.Context) {
	mine, err := w.Alerts.Claim(ctx, Kind+" pulse", PulseEvery)
	if err == nil && mine {
		err = w.pulse(ctx)
	}
	if err != nil && ctx.Err() == nil {
		w.Log.Error("looking for syncs to evaluate", "error", err)
	}
}

func (w *Watcher) pulse(ctx context.Context) error {
	round, err := w.Alerts.Claim(ctx, Kind+" round", RoundEvery)
	if err != nil {
		return err
	}
	if round {
		return w.round(ctx)
	}
	activities, err := w.Runs.Activities(ctx)
	if err != nil {
		return err
	}
	positions, err := w.Alerts.Positions(ctx, Kind)
	if err != nil {
		return err
	}
	for _, a := range activities {
		if a.Busy || a.LastRun > positions[a.SyncID].Seen {
			w.check(ctx, a.WorkspaceID, a.SyncID)
		}
	}
	return nil
}

// round looks at every sync: windows move, mutes end, notices are repeated.
func (w *Watcher) round(ctx context.Context) error {
	syncs, err := w.Runs.Syncs(ctx)
	if err != nil {
		return err
	}
	for _, s := range syncs {
		w.check(ctx, s.WorkspaceID, s.SyncID)
	}
	return nil
}

// attempts is how often a sync is evaluated that others evaluate too.
const attempts = 5

// Check evaluates a sync as it is now. A sync that is gone is no error.
func (w *Watcher) Check(ctx context.Context, workspaceID, syncID int64) error {
	var err error
	for range attempts {
		if err = w.evaluate(ctx, workspaceID, syncID); !fault.Is(err, fault.CodeStale) {
			break
		}
	}
	if fault.Is(err, fault.CodeNotFound) {
		return nil
	}
	return err
}

// evaluate hands in the readings of every run that ended since the last evaluation, one after another, and then those
// of the present.
func (w *Watcher) evaluate(ctx context.Context, workspaceID, syncID int64) error {
	at, err := w.Alerts.Position(ctx, workspaceID, Kind, syncID)
	if err != nil {
		return err
	}
	x, err := w.read(ctx, workspaceID, syncID)
	if err != nil {
		return err
	}
	runs, err := w.ended(ctx, x, at)
	if err != nil {
		return err
	}
	for _, r := range runs {
		readings, err := w.afterRun(ctx, x, r)
		if err != nil {
			return err
		}
		if err := w.apply(ctx, x, &at, readings, r.ID); err != nil {
			return err
		}
	}
	readings, err := w.present(ctx, x)
	if err != nil {
		return err
	}
	return w.apply(ctx, x, &at, readings, 0)
}

// pastRuns is how many runs one evaluation catches up with.
const pastRuns = 100

// ended lists the runs that were not evaluated yet. Of a sync that was never evaluated it is the newest one: what
// happened before anybody watched is history.
func (w *Watcher) ended(ctx context.Context, x watched, at alert.Position) ([]run.Run, error) {
	if at.Version > 0 {
		return w.Runs.EndedAfter(ctx, x.subject.WorkspaceID, x.subject.ID, at.Seen, pastRuns)
	}
	r, ok, err := w.Runs.LastTelling(ctx, x.subject.WorkspaceID, x.subject.ID)
	if err != nil || !ok {
		return nil, err
	}
	return []run.Run{r}, nil
}

func (w *Watcher) apply(ctx context.Context, x watched, at *alert.Position, readings []alert.Reading, seen int64) error {
	err := w.Alerts.Evaluate(ctx, alert.Evaluation{
		Subject: x.subject, Policy: x.policy, Recipients: x.recipients, Readings: readings, Version: at.Version, Seen: seen,
	})
	if err != nil {
		return fmt.Errorf("evaluating the sync %q: %w", x.subject.Slug, err)
	}
	at.Version++
	return nil
}
