package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/config"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/secret"
)

// woken counts the runs that a worker is woken for.
type woken struct{ ids []int64 }

func (w *woken) Enqueue(_ context.Context, _ bun.Tx, id int64) error {
	w.ids = append(w.ids, id)
	return nil
}

// timetable is a scheduler over a store with one sync.
type timetable struct {
	*scheduler

	t     *testing.T
	now   *clock.Manual
	woken *woken
	doc   resource.Document
}

var scopeOfTest = resource.Scope{WorkspaceID: 1, Actor: "test"}

func newTimetable(t *testing.T, d *db.DB, schedule string) *timetable {
	t.Helper()
	key, err := secret.NewKey(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	now := clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)) // a Sunday
	documents := resource.NewStore(d, Kinds(Connectors(&config.Config{FilesRoot: t.TempDir()})), key, now)
	w := &woken{}
	x := &timetable{t: t, now: now, woken: w, scheduler: &scheduler{
		documents: documents, runs: run.NewStore(d, now), queue: w, clock: now, log: slog.New(slog.DiscardHandler),
		suspended: func(context.Context, int64, run.Meta) (*run.Suspension, error) { return nil, nil },
	}}
	for _, doc := range [][2]string{
		{"source", `{"type":"sample-b2c"}`},
		{"destination", `{"type":"local","configuration":{"path":"out"}}`},
		{"model", `{"source":"source","method":"sql","sql":"select 1 as id","primaryKey":"id"}`},
		{"sync", syncSpec(schedule, false)},
	} {
		x.doc, err = documents.Create(t.Context(), scopeOfTest, doc[0], resource.Write{Name: doc[0], Slug: doc[0], Spec: json.RawMessage(doc[1])})
		if err != nil {
			t.Fatalf("%s: %v", doc[0], err)
		}
	}
	x.tick(t.Context())
	return x
}

func syncSpec(schedule string, disabled bool) string {
	spec := `{"model":"model","destination":"destination","type":"file","mode":"diff","mappings":[{"to":"id","from":"id"}],` +
		`"settings":{"format":"csv","filename":"x.csv"},"schedule":` + schedule
	if disabled {
		spec += `,"disabled":true`
	}
	return spec + "}"
}

// change writes the sync with another schedule.
func (x *timetable) change(schedule string, disabled bool) {
	x.t.Helper()
	var err error
	x.doc, err = x.documents.Update(x.t.Context(), scopeOfTest, "sync", "sync", resource.Write{
		Name: "sync", Revision: x.doc.Revision, Spec: json.RawMessage(syncSpec(schedule, disabled)),
	})
	if err != nil {
		x.t.Fatal(err)
	}
	x.tick(x.t.Context())
}

// pass lets time go by, with a look each minute, and returns how many runs were started.
func (x *timetable) pass(d time.Duration) int {
	x.t.Helper()
	before := len(x.woken.ids)
	for ; d > 0; d -= time.Minute {
		x.now.Advance(time.Minute)
		x.tick(x.t.Context())
	}
	return len(x.woken.ids) - before
}

// finish ends the waiting run, as a worker would.
func (x *timetable) finish() {
	x.t.Helper()
	if len(x.woken.ids) == 0 {
		x.t.Fatal("nothing was started")
	}
	if _, err := x.runs.Cancel(x.t.Context(), 1, x.woken.ids[len(x.woken.ids)-1]); err != nil {
		x.t.Fatal(err)
	}
	x.replan(x.t.Context(), run.Run{SyncID: x.doc.ID, WorkspaceID: 1})
}

func (x *timetable) expect(what string, got, want int) {
	x.t.Helper()
	if got != want {
		x.t.Errorf("%s: %d runs, want %d", what, got, want)
	}
}

// Intervals count from the last run, whatever started it; a run that waits takes up the next start.
//
// Req: SY-80, SY-81
func TestInterval(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := newTimetable(t, d, `{"type":"interval","interval":{"unit":"hour","quantity":1}}`)
		x.expect("a sync that never ran is due at once", x.pass(time.Minute), 1)
		x.expect("while its run waits no second one is made", x.pass(3*time.Hour), 0)
		x.finish()
		x.expect("an hour has not passed since the last run", x.pass(59*time.Minute), 0)
		x.expect("an hour has passed", x.pass(2*time.Minute), 1)
		x.finish()
		made, err := x.runs.Trigger(t.Context(), run.Request{WorkspaceID: 1, SyncID: x.doc.ID, SyncSlug: "sync", Trigger: run.TriggerManual}, x.queue)
		if err != nil {
			t.Fatal(err)
		}
		x.now.Advance(30 * time.Minute)
		if _, err := x.runs.Cancel(t.Context(), 1, made.ID); err != nil {
			t.Fatal(err)
		}
		x.replan(t.Context(), run.Run{SyncID: x.doc.ID, WorkspaceID: 1})
		x.expect("a run by hand moves the next one", x.pass(59*time.Minute), 0)
	})
}

// Req: SY-82, SY-83
func TestCronAndRecurrence(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := newTimetable(t, d, `{"type":"cron","cron":"30 9 * * *"}`)
		x.expect("before half past nine", x.pass(89*time.Minute), 0)
		x.expect("half past nine", x.pass(2*time.Minute), 1)
		x.finish()
		x.change(`{"type":"custom","zone":"Europe/Berlin","recurrences":[{"days":["monday"],"time":"08:00"}]}`, false)
		x.expect("Sunday", x.pass(12*time.Hour), 0)
		x.expect("eight on Monday in Berlin is seven in UTC", x.pass(10*time.Hour), 1)
	})
}

// A disabled sync is not started by its schedule, but by hand.
//
// Req: SY-85
func TestDisabled(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		every := `{"type":"interval","interval":{"unit":"minute","quantity":5}}`
		x := newTimetable(t, d, every)
		x.expect("enabled", x.pass(time.Minute), 1)
		x.finish()
		x.change(every, true)
		x.expect("disabled", x.pass(time.Hour), 0)
		if _, err := x.runs.Trigger(t.Context(), run.Request{WorkspaceID: 1, SyncID: x.doc.ID, SyncSlug: "sync", Trigger: run.TriggerManual}, x.queue); err != nil {
			t.Errorf("by hand: %v", err)
		}
		x.finish()
		x.change(every, false)
		x.expect("enabled again", x.pass(6*time.Minute), 1)
		x.change(`{"type":"manual"}`, false)
		x.finish()
		x.expect("by hand only", x.pass(24*time.Hour), 0)
	})
}

// A sync that is deleted is forgotten.
func TestDeletedSync(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := newTimetable(t, d, `{"type":"cron","cron":"* * * * *"}`)
		if err := x.documents.Delete(t.Context(), scopeOfTest, "sync", "sync", x.doc.Revision); err != nil {
			t.Fatal(err)
		}
		x.expect("deleted", x.pass(5*time.Minute), 0)
		due, err := x.runs.Due(t.Context(), x.now.Now().Add(24*time.Hour))
		if err != nil || len(due) != 0 {
			t.Errorf("%v is still due: %v", due, err)
		}
	})
}

// A destination whose permission is over suspends the schedules of its syncs: no run is made that could only fail, and
// the schedule goes on when the suspension is over.
//
// Req: FLD-22
func TestSuspendedSyncsAreNotStarted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := newTimetable(t, d, `{"type":"interval","interval":{"quantity":10,"unit":"minute"}}`)
		var asked run.Meta
		suspension := &run.Suspension{Reason: "invalid_grant"}
		x.suspended = func(_ context.Context, _ int64, destination run.Meta) (*run.Suspension, error) {
			asked = destination
			return suspension, nil
		}
		for range 3 {
			x.now.Advance(11 * time.Minute)
			x.tick(t.Context())
		}
		if len(x.woken.ids) != 0 {
			t.Fatalf("%d runs while the destination is suspended", len(x.woken.ids))
		}
		destination, err := x.documents.Get(t.Context(), scopeOfTest, "destination", "destination")
		if err != nil || asked.ID != destination.ID || asked.Revision != destination.Revision {
			t.Errorf("asked about %+v, want %d revision %d: %v", asked, destination.ID, destination.Revision, err)
		}
		suspension = nil
		x.now.Advance(11 * time.Minute)
		x.tick(t.Context())
		if len(x.woken.ids) != 1 {
			t.Errorf("%d runs after the suspension", len(x.woken.ids))
		}
	})
}
