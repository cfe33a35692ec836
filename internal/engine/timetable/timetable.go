// Package timetable starts documents when their schedules say so, whatever their kind, and remembers when each
// runs next and what it last skipped and why (FLD-21).
//
// What it knows is in the database, so any number of processes may look: the one that moves an entry's next time on
// starts the run, in the same transaction.
package timetable

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/kind/sync/schedule"
	"github.com/millrace/millrace/internal/resource"
	"github.com/uptrace/bun"
)

// Runner runs the documents of one kind.
type Runner interface {
	// Standing tells how a document stands between its runs. No run of it begins or ends before tx does.
	Standing(ctx context.Context, tx bun.Tx, workspaceID, documentID int64) (Standing, error)
	// Missing says which thing that the document needs does not exist, for people; "" when it can run.
	Missing(ctx context.Context, workspaceID int64, d resource.Document) (string, error)
	// Start makes a run that a worker takes when tx is over.
	Start(ctx context.Context, tx bun.Tx, workspaceID int64, d resource.Document) error
}

// Standing is how a document stands between its runs.
type Standing struct {
	Active  int64     // the run under way; 0 means none
	Waiting int64     // the run that waits for a worker, or for the active one; 0 means none
	Last    time.Time // when the newest run ended, or was made where it has not; zero means never
}

// timed is a spec that has a schedule.
type timed interface {
	Timing() (s sync.Schedule, disabled bool)
}

// Options are what a timetable needs.
type Options struct {
	DB        *db.DB
	Documents *resource.Store
	Runners   map[string]Runner // by kind
	Clock     clock.Clock
	Log       *slog.Logger
}

// Timetable starts what is due.
type Timetable struct{ Options }

// New returns a timetable.
func New(o Options) *Timetable { return &Timetable{o} }

// stamp is how times stand in messages.
const stamp = "2006-01-02 15:04 UTC"

// actor is who reads documents for schedules.
const actor = "millrace"

// Tick starts what is due and plans what changed. One document's trouble is no other's.
func (t *Timetable) Tick(ctx context.Context) {
	for _, step := range []struct {
		list func(context.Context) ([]entryRow, error)
		each func(context.Context, entryRow) error
	}{
		{func(ctx context.Context) ([]entryRow, error) { return t.due(ctx, t.Clock.Now()) }, t.start},
		{t.changed, t.plan},
	} {
		rows, err := step.list(ctx)
		if err != nil {
			t.complain(ctx, err)
			return
		}
		for _, row := range rows {
			if err := step.each(ctx, row); err != nil {
				t.complain(ctx, err, "kind", row.Kind, "document", row.DocumentID)
			}
		}
	}
}

func (t *Timetable) complain(ctx context.Context, err error, attrs ...any) {
	if ctx.Err() == nil {
		t.Log.Error("schedules", append(attrs, "error", err)...)
	}
}

// entry is a document on its way to its next run.
type entry struct {
	row      entryRow
	runner   Runner
	document resource.Document
	schedule sync.Schedule
	disabled bool
	standing Standing
	now      time.Time
}

// open reads the document of a row. found is false when it is gone.
func (t *Timetable) open(ctx context.Context, row entryRow) (e *entry, found bool, err error) {
	runner, known := t.Runners[row.Kind]
	if !known {
		return nil, false, fmt.Errorf("nothing runs documents of the kind %s", row.Kind)
	}
	d, err := t.Documents.GetByID(ctx, resource.Scope{WorkspaceID: row.WorkspaceID, Actor: actor}, row.Kind, row.DocumentID)
	if fault.Is(err, fault.CodeNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	e = &entry{row: row, runner: runner, document: d, now: t.Clock.Now()}
	e.schedule, e.disabled = d.Spec.(timed).Timing() //nolint:forcetypeassert // every kind with a runner has a schedule
	return e, true, nil
}

// change lets f change the entry while no run of the document begins or ends, and writes it.
func (t *Timetable) change(ctx context.Context, e *entry, f func(ctx context.Context, tx bun.Tx) (write bool, err error)) error {
	return t.DB.InTx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if e.standing, err = e.runner.Standing(ctx, tx, e.row.WorkspaceID, e.row.DocumentID); err != nil {
			return err
		}
		if e.row, err = t.read(ctx, tx, e.row); err != nil { // after the standing: whoever ends a run has these locks in this order
			return err
		}
		write, err := f(ctx, tx)
		if err != nil || !write {
			return err
		}
		return t.write(ctx, tx, e.row)
	})
}

// start runs a document whose time has come, or notes why not, and plans its next run.
func (t *Timetable) start(ctx context.Context, row entryRow) error {
	e, found, err := t.open(ctx, row)
	if err != nil {
		return err
	}
	if !found {
		return t.forget(ctx, t.DB, row.DocumentID)
	}
	missing, err := e.runner.Missing(ctx, row.WorkspaceID, e.document)
	if err != nil {
		return err
	}
	return t.change(ctx, e, func(ctx context.Context, tx bun.Tx) (bool, error) {
		if e.row.NextRunAt != row.NextRunAt {
			return false, nil // another process was here
		}
		skip := e.obstacle(missing)
		if skip == nil {
			if err := e.runner.Start(ctx, tx, row.WorkspaceID, e.document); err != nil {
				return false, err
			}
			skip = e.missed()
		}
		e.row.skip(skip)
		e.next(e.now)
		return true, nil
	})
}

// obstacle says why no run is started although the time has come.
func (e *entry) obstacle(missing string) *Skip {
	at := clock.FromMillis(e.row.NextRunAt)
	switch s := e.standing; {
	case e.disabled:
		return &Skip{at, ReasonDisabled, "the schedule is switched off"}
	case missing != "":
		return &Skip{at, ReasonMissing, missing}
	case s.Waiting != 0 && s.Active != 0:
		return &Skip{at, ReasonWaiting, fmt.Sprintf("run %d was still under way, and run %d waits for it already", s.Active, s.Waiting)}
	case s.Waiting != 0:
		return &Skip{at, ReasonWaiting, fmt.Sprintf("run %d waits for a worker already", s.Waiting)}
	case s.Active != 0 && e.schedule.Type == sync.ScheduleInterval:
		return &Skip{at, ReasonRunning, fmt.Sprintf("run %d was still under way; the interval counts from its end", s.Active)}
	default:
		return nil
	}
}

// missed tells of the times that passed between the one that is run for and now.
func (e *entry) missed() *Skip {
	due := clock.FromMillis(e.row.NextRunAt)
	if e.schedule.Type == sync.ScheduleInterval {
		return nil // it counts from the last run: nothing lies in between
	}
	after, ok, err := schedule.Next(e.schedule, due, due)
	if err != nil || !ok || after.After(e.now) {
		return nil
	}
	return &Skip{after, ReasonMissed, fmt.Sprintf("no worker was running from %s to %s; one run makes up for it", due.Format(stamp), e.now.Format(stamp))}
}

// plan notes when a document runs next after it was made or changed, or after a run of it ended.
func (t *Timetable) plan(ctx context.Context, row entryRow) error {
	e, found, err := t.open(ctx, row)
	if err != nil || !found {
		return err // deleted meanwhile
	}
	return t.change(ctx, e, func(context.Context, bun.Tx) (bool, error) {
		edited := e.row.Revision != e.document.Revision
		if r := Reason(e.row.SkipReason); edited && (r == ReasonEnded || r == ReasonInvalid) {
			e.row.SkippedAt, e.row.SkipReason, e.row.SkipMessage = 0, "", "" // true of the schedule as it was
		}
		if edited || e.schedule.Type == sync.ScheduleInterval {
			e.next(e.standing.Last)
		}
		e.row.Stale = false // other schedules do not depend on runs, and a time that is due stays due
		return true, nil
	})
}

// next plans the next run, where the last one began or ended at last.
func (e *entry) next(last time.Time) {
	e.row.Revision, e.row.Stale, e.row.NextRunAt = e.document.Revision, false, 0
	next, ok, err := schedule.Next(e.schedule, e.now, last)
	switch {
	case err != nil:
		e.row.skip(&Skip{e.now, ReasonInvalid, err.Error()})
	case ok:
		e.row.NextRunAt = clock.Millis(next)
	case !e.schedule.Manual() && e.schedule.End != nil && Reason(e.row.SkipReason) != ReasonEnded:
		e.row.skip(&Skip{e.now, ReasonEnded, "the schedule ends at " + e.schedule.End.UTC().Format(stamp) + ", and no time before that is left"})
	}
}
