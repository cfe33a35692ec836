package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/config"
	"github.com/millrace/millrace/internal/connector/state"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/sequence"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/secret"
)

// woken remembers the runs that a worker is woken for.
type woken struct {
	ids       []int64 // of syncs
	sequences []int64
}

func (w *woken) Enqueue(_ context.Context, _ bun.Tx, id int64) error {
	w.ids = append(w.ids, id)
	return nil
}

func (w *woken) Wake(_ context.Context, _ bun.Tx, id, _ int64) error {
	w.sequences = append(w.sequences, id)
	return nil
}

// planned is the schedules of a process over a store with one sync.
type planned struct {
	*process

	t     *testing.T
	now   *clock.Manual
	woken *woken
	doc   resource.Document
}

var scopeOfTest = resource.Scope{WorkspaceID: 1, Actor: "test"}

func newPlanned(t *testing.T, d *db.DB, schedule string) *planned {
	t.Helper()
	key, err := secret.NewKey(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	now := clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)) // a Sunday
	registry := Connectors(&config.Config{FilesRoot: t.TempDir()})
	x := &planned{t: t, now: now, woken: &woken{}, process: &process{
		Options: Options{Registry: registry}, db: d, clock: now, log: slog.New(slog.DiscardHandler),
		documents: resource.NewStore(d, Kinds(registry, Storages(&config.Config{}), nil), key, now), runs: run.NewStore(d, now),
	}}
	x.schedule(x.woken)
	for _, doc := range [][2]string{
		{"source", `{"type":"sample-b2c"}`},
		{"destination", `{"type":"local","configuration":{"path":"out"}}`},
		{"model", `{"source":"source","method":"sql","sql":"select 1 as id","primaryKey":"id"}`},
		{"sync", syncSpec(schedule, false)},
	} {
		x.doc = x.create(doc[0], doc[0], doc[1])
	}
	x.timetable.Tick(t.Context())
	return x
}

func (x *planned) create(kind, slug, spec string) resource.Document {
	x.t.Helper()
	d, err := x.documents.Create(x.t.Context(), scopeOfTest, kind, resource.Write{Name: slug, Slug: slug, Spec: json.RawMessage(spec)})
	if err != nil {
		x.t.Fatalf("%s: %v", slug, err)
	}
	return d
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
func (x *planned) change(schedule string, disabled bool) {
	x.t.Helper()
	var err error
	x.doc, err = x.documents.Update(x.t.Context(), scopeOfTest, "sync", "sync", resource.Write{
		Name: "sync", Revision: x.doc.Revision, Spec: json.RawMessage(syncSpec(schedule, disabled)),
	})
	if err != nil {
		x.t.Fatal(err)
	}
	x.timetable.Tick(x.t.Context())
}

// pass lets time go by, with a look each minute, and returns how many runs were started.
func (x *planned) pass(d time.Duration) int {
	x.t.Helper()
	before := len(x.woken.ids)
	for ; d > 0; d -= time.Minute {
		x.now.Advance(time.Minute)
		x.timetable.Tick(x.t.Context())
	}
	return len(x.woken.ids) - before
}

// finish ends the newest run, which waits: by cancelling it.
func (x *planned) finish() {
	x.t.Helper()
	if len(x.woken.ids) == 0 {
		x.t.Fatal("nothing was started")
	}
	if _, err := x.runs.Cancel(x.t.Context(), 1, x.woken.ids[len(x.woken.ids)-1]); err != nil {
		x.t.Fatal(err)
	}
	x.timetable.Tick(x.t.Context())
}

func (x *planned) trigger() run.Run {
	x.t.Helper()
	r, err := x.runs.Trigger(x.t.Context(), run.Request{WorkspaceID: 1, SyncID: x.doc.ID, SyncSlug: "sync", Trigger: run.TriggerManual}, x.woken)
	if err != nil {
		x.t.Fatal(err)
	}
	return r
}

func (x *planned) expect(what string, got, want int) {
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
		x := newPlanned(t, d, `{"type":"interval","interval":{"unit":"hour","quantity":1}}`)
		x.expect("a sync that never ran is due at once", x.pass(time.Minute), 1)
		x.expect("while its run waits no second one is made", x.pass(3*time.Hour), 0)
		x.finish()
		x.expect("an hour has not passed since the last run", x.pass(59*time.Minute), 0)
		x.expect("an hour has passed", x.pass(2*time.Minute), 1)
		x.finish()
		x.trigger()
		x.now.Advance(30 * time.Minute)
		x.finish()
		x.expect("a run by hand moves the next one", x.pass(59*time.Minute), 0)
	})
}

// Req: SY-82, SY-83
func TestCronAndRecurrence(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := newPlanned(t, d, `{"type":"cron","cron":"30 9 * * *"}`)
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
		x := newPlanned(t, d, every)
		x.expect("enabled", x.pass(time.Minute), 1)
		x.finish()
		x.change(every, true)
		x.expect("disabled", x.pass(time.Hour), 0)
		x.trigger()
		x.finish()
		x.change(every, false)
		x.expect("enabled again", x.pass(6*time.Minute), 1)
		x.change(`{"type":"manual"}`, false)
		x.finish()
		x.expect("by hand only", x.pass(24*time.Hour), 0)
	})
}

// A sync that lacks something is not started, and its schedule says what.
//
// Req: FLD-21
func TestMissingDependency(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := newPlanned(t, d, `{"type":"cron","cron":"* * * * *"}`)
		// as a database that was put together from backups, or a build without a connector
		for change, want := range map[string]string{
			`UPDATE documents SET slug = 'renamed' WHERE kind = 'model'`:                             `there is no model "model"`,
			`UPDATE documents SET spec = '{"type":"gone","configuration":{}}' WHERE kind = 'source'`: `"gone"`,
		} {
			before := map[string]string{"model": "slug", "source": "spec"}
			saved := map[string]string{}
			for kind, column := range before {
				var value string
				if err := d.NewRaw("SELECT ? FROM documents WHERE kind = ?", bun.Ident(column), kind).Scan(t.Context(), &value); err != nil {
					t.Fatal(err)
				}
				saved[kind] = value
			}
			if _, err := d.NewRaw(change).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			x.expect("missing", x.pass(time.Minute), 0)
			e, err := x.timetable.Look(t.Context(), 1, x.doc.ID)
			if err != nil || e.Skip == nil || e.Skip.Reason != "missing" || !strings.Contains(e.Skip.Message, want) {
				t.Errorf("%+v, %v; want %s", e.Skip, err, want)
			}
			for kind, column := range before {
				if _, err := d.NewRaw("UPDATE documents SET ? = ? WHERE kind = ?", bun.Ident(column), saved[kind], kind).Exec(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		x.expect("there again", x.pass(time.Minute), 1)
	})
}

// A sync that is deleted is forgotten.
func TestDeletedSync(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := newPlanned(t, d, `{"type":"cron","cron":"* * * * *"}`)
		if err := x.documents.Delete(t.Context(), scopeOfTest, "sync", "sync", x.doc.Revision); err != nil {
			t.Fatal(err)
		}
		x.expect("deleted", x.pass(5*time.Minute), 0)
		n, err := d.NewSelect().Table("schedules").Count(t.Context())
		if err != nil || n != 0 {
			t.Errorf("%d schedules are left: %v", n, err)
		}
	})
}

// advance moves on the sequences that were woken.
func (x *planned) advance() {
	x.t.Helper()
	for len(x.woken.sequences) > 0 {
		ids := x.woken.sequences
		x.woken.sequences = nil
		for _, id := range ids {
			if err := x.sequences.Advance(x.t.Context(), id); err != nil {
				x.t.Fatal(err)
			}
		}
	}
}

// A sequence runs by the same schedules as syncs, over the real runs: also of a disabled sync, and behind a run that is
// under way.
//
// Req: SY-80, SY-85, SY-86, FLD-21
func TestSequenceBySchedule(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := newPlanned(t, d, `{"type":"manual"}`)
		x.change(`{"type":"interval","interval":{"unit":"minute","quantity":1}}`, true) // its own schedule does not matter
		x.create("sync", "second", syncSpec(`{"type":"manual"}`, false))
		seq := x.create("sequence", "all", `{"steps":[{"sync":"sync","terminate":"never"},{"sync":"second","terminate":"never"}],"disabled":false,`+
			`"schedule":{"type":"custom","zone":"Asia/Kathmandu","recurrences":[{"days":["sunday"],"time":"14:45"}]}}`)
		x.expect("before 14:45 in Kathmandu, which is 9:00 in UTC", x.pass(59*time.Minute), 0)
		x.pass(time.Minute)
		x.advance()
		x.expect("the first step", len(x.woken.ids), 1)
		first, err := x.runs.Get(t.Context(), 1, x.woken.ids[0])
		if err != nil || first.SyncSlug != "sync" || first.Trigger != run.TriggerSequence {
			t.Errorf("%+v, %v", first, err)
		}
		busy := x.busy("second")
		x.finish()
		x.advance()
		x.expect("the second step waits behind the run that is under way", len(x.woken.ids), 2)
		second, err := x.runs.Get(t.Context(), 1, x.woken.ids[1])
		if err != nil || second.SyncSlug != "second" || second.ID == busy || second.State != run.Queued {
			t.Errorf("%+v, %v", second, err)
		}
		x.free("second")
		x.finish()
		x.advance()
		r, err := x.sequences.Latest(t.Context(), 1, seq.ID)
		if err != nil || r.State != sequence.Done || r.Trigger != sequence.TriggerSchedule || r.Steps[1].RunID != second.ID || r.Steps[1].State != sequence.StepCancelled {
			t.Errorf("%+v, %v", r, err)
		}
		e, err := x.timetable.Look(t.Context(), 1, seq.ID)
		if err != nil || e.Skip != nil || !e.Next.Equal(time.Date(2026, 3, 8, 9, 0, 0, 0, time.UTC)) {
			t.Errorf("%+v, %v", e, err)
		}
	})
}

// busy lets a sync have a run under way, as a worker would.
func (x *planned) busy(slug string) int64 {
	x.t.Helper()
	d, err := x.documents.Get(x.t.Context(), scopeOfTest, "sync", slug)
	if err != nil {
		x.t.Fatal(err)
	}
	r, err := x.runs.Trigger(x.t.Context(), run.Request{WorkspaceID: 1, SyncID: d.ID, SyncSlug: slug, Trigger: run.TriggerManual}, &woken{})
	if err != nil {
		x.t.Fatal(err)
	}
	for _, change := range []string{"UPDATE sync_runs SET state = 'delivering' WHERE id = ?0", "UPDATE sync_state SET active_run_id = ?0 WHERE sync_id = ?1"} {
		if _, err := x.db.NewRaw(change, r.ID, d.ID).Exec(x.t.Context()); err != nil {
			x.t.Fatal(err)
		}
	}
	return r.ID
}

// free ends the run that busy began.
func (x *planned) free(slug string) {
	x.t.Helper()
	_, err := x.db.NewRaw("UPDATE sync_state SET active_run_id = 0 WHERE sync_id = (SELECT id FROM documents WHERE slug = ?)", slug).Exec(x.t.Context())
	if err != nil {
		x.t.Fatal(err)
	}
}

// What a run's end means for the sequence that waits for it, by the run's numbers.
//
// Req: SY-87, FLD-01
func TestOutcome(t *testing.T) {
	t.Parallel()
	rejected := run.Counts{Read: 100, Failed: run.OpCounts{Added: 2, Removed: 1}, Aborted: run.OpCounts{Changed: 4}, Duplicates: 8}
	for _, tt := range []struct {
		run      run.Run
		state    sequence.StepState
		rejected int64
	}{
		{run.Run{State: run.Queued}, sequence.StepRunning, 0},
		{run.Run{State: run.Settling}, sequence.StepRunning, 0},
		{run.Run{State: run.Committed, Counts: run.Counts{Read: 100}}, sequence.StepSuccess, 0},
		{run.Run{State: run.Committed, Counts: rejected}, sequence.StepWarning, 15},
		{run.Run{State: run.Failed, Failure: &run.Failure{Message: "401"}}, sequence.StepFailed, 0},
		{run.Run{State: run.Interrupted}, sequence.StepFailed, 0},
		{run.Run{State: run.Cancelled}, sequence.StepCancelled, 0},
	} {
		o := outcome(tt.run)
		if o.State != tt.state || o.Rejected != tt.rejected || o.Queried != tt.run.Counts.Read || (o.State == sequence.StepFailed) != (o.Error != "") {
			t.Errorf("%s: %+v", tt.run.State, o)
		}
	}
}

// A destination whose permission is over suspends the schedules of its syncs: no run is made that could only fail, the
// sync says why, and the schedule goes on when the suspension is over.
//
// Req: FLD-21, FLD-22
func TestSuspendedSyncsAreNotStarted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := newPlanned(t, d, `{"type":"interval","interval":{"quantity":10,"unit":"minute"}}`)
		key, err := secret.NewKey(make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		x.pass(11 * time.Minute)
		x.finish()
		x.state = state.NewStore(d, key, x.now)
		destination, err := x.documents.Get(t.Context(), scopeOfTest, "destination", "destination")
		if err != nil {
			t.Fatal(err)
		}
		note := func(revision int64) {
			t.Helper()
			text, err := json.Marshal(run.Suspension{Revision: revision, Reason: "invalid_grant"})
			if err != nil {
				t.Fatal(err)
			}
			change := func(context.Context, string) (string, error) { return string(text), nil }
			if _, err := x.state.Of(scopeOfTest.WorkspaceID, "destination", destination.ID).Update(t.Context(), "suspension", change); err != nil {
				t.Fatal(err)
			}
		}
		note(destination.Revision)
		if n := x.pass(time.Hour); n != 0 {
			t.Fatalf("%d runs while the destination is suspended", n)
		}
		e, err := x.timetable.Look(t.Context(), scopeOfTest.WorkspaceID, x.doc.ID)
		if err != nil || e.Skip == nil || !strings.Contains(e.Skip.Message, "invalid_grant") || e.Next.IsZero() {
			t.Errorf("%+v %v", e, err)
		}
		note(destination.Revision - 1) // it was changed since: somebody allowed the access
		if n := x.pass(time.Hour); n != 1 {
			t.Errorf("%d runs after the suspension", n)
		}
	})
}
