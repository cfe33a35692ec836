package timetable_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/timetable"
	"github.com/millrace/millrace/internal/fault"
	kindsync "github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/secret"
	"github.com/uptrace/bun"
)

// task is a kind of document that is nothing but its schedule.
type task struct {
	Schedule kindsync.Schedule `json:"schedule"`
	Disabled bool              `json:"disabled"`
}

func (t *task) Timing() (schedule kindsync.Schedule, disabled bool) { return t.Schedule, t.Disabled }

// runner notes what is started.
type runner struct {
	mu       sync.Mutex
	standing timetable.Standing
	missing  string
	fail     error
	started  []int64
}

func (r *runner) Standing(context.Context, bun.Tx, int64, int64) (timetable.Standing, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.standing, nil
}

func (r *runner) Missing(context.Context, int64, resource.Document) (string, error) {
	return r.missing, nil
}

func (r *runner) Start(_ context.Context, _ bun.Tx, _ int64, d resource.Document) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	r.started = append(r.started, d.ID)
	return nil
}

func (r *runner) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.started)
}

type world struct {
	*timetable.Timetable

	t      *testing.T
	now    *clock.Manual
	runner *runner
	doc    resource.Document
}

var scope = resource.Scope{WorkspaceID: 1, Actor: "test"}

// newWorld has one document with a schedule, on a Sunday at eight.
func newWorld(t *testing.T, d *db.DB, schedule string) *world {
	t.Helper()
	key, err := secret.NewKey(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	now := clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
	kind := resource.Define("task", "tasks", func(*task, func(string) bool) fault.Issues { return nil }, func(*task) []resource.Ref { return nil }, nil)
	documents := resource.NewStore(d, resource.NewRegistry(kind), key, now)
	r := &runner{}
	w := &world{t: t, now: now, runner: r, Timetable: timetable.New(timetable.Options{
		DB: d, Documents: documents, Runners: map[string]timetable.Runner{"task": r}, Clock: now, Log: slog.New(slog.DiscardHandler),
	})}
	w.Follow(documents)
	w.doc, err = documents.Create(t.Context(), scope, "task", resource.Write{Name: "Task", Slug: "task", Spec: spec(schedule, false)})
	if err != nil {
		t.Fatal(err)
	}
	w.Tick(t.Context())
	return w
}

func spec(schedule string, disabled bool) json.RawMessage {
	text := `{"schedule":` + schedule + `,"disabled":false}`
	if disabled {
		text = `{"schedule":` + schedule + `,"disabled":true}`
	}
	return json.RawMessage(text)
}

func (w *world) change(schedule string, disabled bool) {
	w.t.Helper()
	var err error
	w.doc, err = w.Documents.Update(w.t.Context(), scope, "task", "task", resource.Write{Name: "Task", Revision: w.doc.Revision, Spec: spec(schedule, disabled)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Tick(w.t.Context())
}

// pass lets time go by, with a look each quarter of an hour, and returns how many runs were started.
func (w *world) pass(d time.Duration) int {
	w.t.Helper()
	before := w.runner.count()
	for d > 0 {
		step := min(d, 15*time.Minute)
		w.now.Advance(step)
		w.Tick(w.t.Context())
		d -= step
	}
	return w.runner.count() - before
}

// stand sets how the document stands, and tells the timetable that a run ended.
func (w *world) stand(s timetable.Standing) {
	w.t.Helper()
	w.runner.mu.Lock()
	w.runner.standing = s
	w.runner.mu.Unlock()
	err := w.DB.InTx(w.t.Context(), func(ctx context.Context, tx bun.Tx) error { return w.Touch(ctx, tx, w.doc.ID) })
	if err != nil {
		w.t.Fatal(err)
	}
	w.Tick(w.t.Context())
}

func (w *world) look() timetable.Entry {
	w.t.Helper()
	e, err := w.Look(w.t.Context(), 1, w.doc.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *world) expect(what string, got, want int) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("%s: %d runs, want %d", what, got, want)
	}
}

func (w *world) next(want string) {
	w.t.Helper()
	got := ""
	if e := w.look(); !e.Next.IsZero() {
		got = e.Next.Format("02 15:04")
	}
	if got != want {
		w.t.Errorf("the next run is at %q, want %q", got, want)
	}
}

// skipped checks the last skip; an empty reason means none.
func (w *world) skipped(at string, reason timetable.Reason, message string) {
	w.t.Helper()
	s := w.look().Skip
	if s == nil {
		if reason != "" {
			w.t.Errorf("nothing was skipped, want %s", reason)
		}
		return
	}
	if s.Reason != reason || s.At.Format("02 15:04") != at || !strings.Contains(s.Message, message) {
		w.t.Errorf("skipped %s at %s: %s; want %s at %s: %s", s.Reason, s.At.Format("02 15:04"), s.Message, reason, at, message)
	}
}

const (
	hourly = `{"type":"interval","interval":{"unit":"hour","quantity":1}}`
	daily  = `{"type":"cron","cron":"30 9 * * *"}`
)

// Req: SY-83, FLD-21
func TestStartsAndPlans(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, daily)
		w.next("01 09:30")
		w.expect("before half past nine", w.pass(89*time.Minute), 0)
		w.expect("half past nine", w.pass(time.Minute), 1)
		w.next("02 09:30")
		w.expect("the rest of the day", w.pass(23*time.Hour), 0)
		w.skipped("", "", "")
		w.change(`{"type":"manual"}`, false)
		w.next("")
		w.skipped("", "", "")
	})
}

// An interval counts from the end of the last run. A time that comes while one is under way is skipped, and says so.
//
// Req: SY-81, FLD-21
func TestIntervalWhileRunning(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, hourly)
		w.expect("due at once", w.pass(time.Minute), 1)
		w.stand(timetable.Standing{Active: 17, Last: w.now.Now()})
		w.expect("while it runs", w.pass(150*time.Minute), 0)
		w.skipped("01 10:01", timetable.ReasonRunning, "run 17 was still under way")
		w.stand(timetable.Standing{Last: w.now.Now()}) // at 10:31
		w.next("01 11:31")
		w.expect("an hour after its end", w.pass(time.Hour), 1)
	})
}

// A waiting run takes up the next start, which is told.
//
// Req: FLD-21
func TestWaiting(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, daily)
		w.stand(timetable.Standing{Active: 17, Last: w.now.Now()})
		w.expect("one run may wait for the active one", w.pass(2*time.Hour), 1)
		w.skipped("", "", "")
		w.stand(timetable.Standing{Active: 17, Waiting: 18, Last: w.now.Now()})
		w.expect("a second one may not", w.pass(24*time.Hour), 0)
		w.skipped("02 09:30", timetable.ReasonWaiting, "run 17 was still under way, and run 18 waits for it already")
		w.stand(timetable.Standing{Waiting: 18, Last: w.now.Now()})
		w.expect("nor behind one that no worker takes", w.pass(24*time.Hour), 0)
		w.skipped("03 09:30", timetable.ReasonWaiting, "run 18 waits for a worker already")
	})
}

// Req: FLD-21, SY-85
func TestDisabledAndMissing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, daily)
		w.change(daily, true)
		w.expect("disabled", w.pass(24*time.Hour), 0)
		w.skipped("01 09:30", timetable.ReasonDisabled, "switched off")
		w.change(daily, false)
		w.skipped("01 09:30", timetable.ReasonDisabled, "switched off")
		w.runner.missing = `there is no model "people"`
		w.expect("missing", w.pass(24*time.Hour), 0)
		w.skipped("02 09:30", timetable.ReasonMissing, `there is no model "people"`)
		w.runner.missing = ""
		w.expect("there again", w.pass(24*time.Hour), 1)
	})
}

// The end of a run does not move a cron time that has come and is not taken up yet.
func TestEndOfARunKeepsWhatIsDue(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, daily)
		w.runner.fail = fault.New(fault.CodeStorage, "no")
		w.now.Advance(90 * time.Minute)
		w.stand(timetable.Standing{Last: w.now.Now()})
		w.next("01 09:30")
		w.runner.fail = nil
		w.Tick(t.Context())
		w.expect("after the trouble", w.runner.count(), 1)
	})
}

// When nobody looked for a while, one run makes up for what was missed, and the schedule says so.
//
// Req: FLD-21
func TestMissed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, daily)
		w.now.Advance(4 * 24 * time.Hour)
		w.Tick(t.Context())
		w.expect("after four days", w.runner.count(), 1)
		w.skipped("02 09:30", timetable.ReasonMissed, "no worker was running from 2026-03-01 09:30 UTC to 2026-03-05 08:00 UTC")
		w.next("05 09:30")
	})
}

// Req: FLD-21, SY-81
func TestWindow(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, `{"type":"cron","cron":"0 * * * *","start":"2026-03-01T10:00:00Z","end":"2026-03-01T12:00:00Z"}`)
		w.next("01 10:00")
		w.expect("ten, eleven and twelve", w.pass(24*time.Hour), 3)
		w.next("")
		w.skipped("01 12:00", timetable.ReasonEnded, "ends at 2026-03-01 12:00 UTC")
		w.change(`{"type":"cron","cron":"0 * * * *"}`, false)
		w.skipped("", "", "")
		w.next("02 09:00")
	})
}

// A deleted document is forgotten.
func TestDeleted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, daily)
		if err := w.Documents.Delete(t.Context(), scope, "task", "task", w.doc.Revision); err != nil {
			t.Fatal(err)
		}
		w.next("")
		w.expect("deleted", w.pass(48*time.Hour), 0)
	})
}

// Of any number of processes that look at once, one starts the run.
func TestManyLookAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, daily)
		w.now.Advance(2 * time.Hour)
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() { w.Tick(t.Context()) })
		}
		all.Wait()
		w.expect("at half past nine", w.runner.count(), 1)
	})
}

// What one workspace plans, another does not see.
func TestOtherWorkspace(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, daily)
		if e, err := w.Look(t.Context(), 2, w.doc.ID); err != nil || !e.Next.IsZero() {
			t.Errorf("%+v, %v", e, err)
		}
	})
}
