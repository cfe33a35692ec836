package sequence_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/sequence"
	"github.com/millrace/millrace/internal/fault"
	kind "github.com/millrace/millrace/internal/kind/sequence"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/secret"
	"github.com/uptrace/bun"
)

// syncs runs syncs by doing nothing until the test says what became of them.
type syncs struct {
	mu       sync.Mutex
	next     int64
	started  []string // slugs in the order of their runs
	runs     map[int64]sequence.Outcome
	waiting  int64 // a run that somebody else waits for; 0 means none
	gone     map[string]bool
	stopped  []int64
	instant  bool // a run that is cancelled ends at once
	failNext error
}

func (s *syncs) Start(_ context.Context, _ bun.Tx, _ int64, slug string) (sequence.Started, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone[slug] {
		return sequence.Started{}, fault.New(fault.CodeNotFound, "there is no sync %q", slug)
	}
	if err := s.failNext; err != nil {
		s.failNext = nil
		return sequence.Started{}, err
	}
	if s.waiting != 0 {
		return sequence.Started{SyncID: 5, RunID: s.waiting}, nil
	}
	s.next++
	s.started = append(s.started, slug)
	s.runs[s.next] = sequence.Outcome{RunID: s.next, State: sequence.StepRunning}
	return sequence.Started{SyncID: 5, RunID: s.next, Own: true}, nil
}

func (s *syncs) Look(_ context.Context, _ bun.Tx, _, runID int64) (sequence.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs[runID], nil
}

func (s *syncs) Cancel(_ context.Context, _ bun.Tx, _, runID int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = append(s.stopped, runID)
	if o := s.runs[runID]; s.instant && o.State == sequence.StepRunning {
		o.State = sequence.StepCancelled
		s.runs[runID] = o
	}
	return nil
}

func (s *syncs) order() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.started)
}

// wakes remembers which runs a worker is to move on.
type wakes struct {
	mu  sync.Mutex
	ids []int64
}

func (w *wakes) Wake(_ context.Context, _ bun.Tx, runID, _ int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids = append(w.ids, runID)
	return nil
}

func (w *wakes) take() []int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	ids := w.ids
	w.ids = nil
	return ids
}

type world struct {
	*sequence.Engine

	t     *testing.T
	now   *clock.Manual
	syncs *syncs
	wakes *wakes
	ended []sequence.State
	doc   resource.Document
}

var scope = resource.Scope{WorkspaceID: 1, Actor: "test"}

// newWorld has the syncs a, b and c and a sequence with the steps.
func newWorld(t *testing.T, d *db.DB, steps string) *world {
	t.Helper()
	key, err := secret.NewKey(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)), wakes: &wakes{}}
	w.syncs = &syncs{next: 500, runs: map[int64]sequence.Outcome{}, gone: map[string]bool{}}
	thing := resource.Define("sync", "syncs", func(*struct{}, func(string) bool) fault.Issues { return nil }, func(*struct{}) []resource.Ref { return nil }, nil)
	documents := resource.NewStore(d, resource.NewRegistry(thing, kind.Kind()), key, w.now)
	w.Engine = sequence.New(sequence.Options{
		DB: d, Documents: documents, Syncs: w.syncs, Waker: w.wakes, Clock: w.now,
		Ended: func(_ context.Context, _ bun.Tx, r sequence.Run) error {
			w.ended = append(w.ended, r.State)
			return nil
		},
	})
	w.Follow(documents)
	for _, slug := range []string{"a", "b", "c"} {
		if _, err := documents.Create(t.Context(), scope, "sync", resource.Write{Name: slug, Slug: slug, Spec: json.RawMessage(`{}`)}); err != nil {
			t.Fatal(err)
		}
	}
	w.doc, err = documents.Create(t.Context(), scope, "sequence", resource.Write{Name: "All", Slug: "all", Spec: spec(steps)})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func spec(steps string) json.RawMessage {
	return json.RawMessage(`{"steps":` + steps + `,"schedule":{"type":"manual"},"disabled":false}`)
}

const abc = `[{"sync":"a"},{"sync":"b"},{"sync":"c"}]`

func (w *world) trigger() sequence.Run {
	w.t.Helper()
	r, err := w.Trigger(w.t.Context(), sequence.Request{WorkspaceID: 1, SequenceID: w.doc.ID, SequenceSlug: "all", Trigger: sequence.TriggerManual})
	if err != nil {
		w.t.Fatal(err)
	}
	w.work()
	return r
}

// work moves on what was woken, as workers do.
func (w *world) work() {
	w.t.Helper()
	for ids := w.wakes.take(); len(ids) > 0; ids = w.wakes.take() {
		for _, id := range ids {
			if err := w.Advance(w.t.Context(), id); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// finish ends the run of a step.
func (w *world) finish(runID int64, o sequence.Outcome) {
	w.t.Helper()
	w.now.Advance(time.Minute)
	w.syncs.mu.Lock()
	if o.RunID == 0 {
		o.RunID = runID
	}
	o.Finished = w.now.Now()
	w.syncs.runs[runID] = o
	w.syncs.mu.Unlock()
	err := w.DB.InTx(w.t.Context(), func(ctx context.Context, tx bun.Tx) error { return w.SyncEnded(ctx, tx, runID) })
	if err != nil {
		w.t.Fatal(err)
	}
	w.work()
}

// newest returns the number of the newest run of a sync.
func (w *world) newest() int64 {
	w.syncs.mu.Lock()
	defer w.syncs.mu.Unlock()
	return w.syncs.next
}

func (w *world) get(id int64) sequence.Run {
	w.t.Helper()
	r, err := w.Get(w.t.Context(), 1, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// expect checks a run's state and those of its steps.
func (w *world) expect(id int64, want sequence.State, steps ...sequence.StepState) sequence.Run {
	w.t.Helper()
	r := w.get(id)
	var got []sequence.StepState
	for _, s := range r.Steps {
		got = append(got, s.State)
	}
	if r.State != want || !slices.Equal(got, steps) {
		w.t.Errorf("the run is %s with %v, want %s with %v", r.State, got, want, steps)
	}
	return r
}

var success = sequence.Outcome{State: sequence.StepSuccess, Queried: 100}

// Each sync runs after the one before it has ended, once; the run lists what became of each.
//
// Req: SY-86, SY-88
func TestOrder(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, abc)
		made := w.trigger()
		w.expect(made.ID, sequence.Running, sequence.StepRunning, sequence.StepWaiting, sequence.StepWaiting)
		w.finish(w.newest(), success)
		w.expect(made.ID, sequence.Running, sequence.StepSuccess, sequence.StepRunning, sequence.StepWaiting)
		w.finish(w.newest(), sequence.Outcome{State: sequence.StepSuccess})
		w.finish(w.newest(), success)
		r := w.expect(made.ID, sequence.Done, sequence.StepSuccess, sequence.StepSuccess, sequence.StepSuccess)
		if got := w.syncs.order(); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("the syncs ran as %v", got)
		}
		for i, s := range r.Steps {
			if s.RunID != int64(501+i) || s.FinishedAt.Sub(s.StartedAt) != time.Minute || s.SyncID != 5 || !s.Own {
				t.Errorf("step %d is %+v", i, s)
			}
		}
		if r.FinishedAt.Sub(r.StartedAt) != 3*time.Minute || r.Error != "" || r.Trouble() || r.Revision != 1 || !slices.Equal(w.ended, []sequence.State{sequence.Done}) {
			t.Errorf("%+v, told %v", r, w.ended)
		}
		if again, err := w.GetByUUID(t.Context(), 1, r.UUID); err != nil || again.ID != r.ID {
			t.Errorf("%+v, %v", again, err)
		}
	})
}

// Req: SY-87
func TestTerminate(t *testing.T) {
	t.Parallel()
	const (
		failed    = sequence.StepFailed
		warning   = sequence.StepWarning
		cancelled = sequence.StepCancelled
	)
	rejected := func(n int64) sequence.Outcome { return sequence.Outcome{State: warning, Rejected: n, Queried: 200} }
	tests := []struct {
		name    string
		step    string
		outcome sequence.Outcome
		goesOn  bool
		why     string
	}{
		{"rejected: a success goes on", `{"sync":"a","terminate":"rejected"}`, success, true, ""},
		{"rejected: one row is too many by default", `{"sync":"a"}`, rejected(1), false, "1 rows were rejected"},
		{"rejected: below the count", `{"sync":"a","rejected":{"count":10}}`, rejected(9), true, ""},
		{"rejected: the count", `{"sync":"a","rejected":{"count":10}}`, rejected(10), false, "10 rows were rejected"},
		{"rejected: below the percentage", `{"sync":"a","rejected":{"percent":5}}`, rejected(9), true, ""},
		{"rejected: the percentage of queried rows", `{"sync":"a","rejected":{"percent":5}}`, rejected(10), false, "10 rows were rejected"},
		{"rejected: a fatal error", `{"sync":"a"}`, sequence.Outcome{State: failed, Error: "401 Unauthorized"}, false, "401 Unauthorized"},
		{"rejected: cancelled", `{"sync":"a"}`, sequence.Outcome{State: cancelled}, false, "was cancelled"},
		{"fatal: rejected rows do not matter", `{"sync":"a","terminate":"fatal"}`, rejected(200), true, ""},
		{"fatal: a fatal error", `{"sync":"a","terminate":"fatal"}`, sequence.Outcome{State: failed}, false, "its run failed"},
		{"fatal: cancelled", `{"sync":"a","terminate":"fatal"}`, sequence.Outcome{State: cancelled}, false, "was cancelled"},
		{"never: rejected rows", `{"sync":"a","terminate":"never"}`, rejected(200), true, ""},
		{"never: a fatal error", `{"sync":"a","terminate":"never"}`, sequence.Outcome{State: failed, Error: "401"}, true, ""},
		{"never: cancelled", `{"sync":"a","terminate":"never"}`, sequence.Outcome{State: cancelled}, true, ""},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, tt := range tests {
			w := newWorldOf(t, d, `[`+tt.step+`,{"sync":"b"}]`, tt.name)
			made := w.trigger()
			w.finish(w.newest(), tt.outcome)
			if !tt.goesOn {
				r := w.expect(made.ID, sequence.Failed, tt.outcome.State, sequence.StepSkipped)
				if !strings.Contains(r.Error, tt.why) || !strings.Contains(r.Error, `step 1, the sync "a"`) || !fault.Is(r.Failure(), fault.CodeSequenceStopped) {
					t.Errorf("%s: %q", tt.name, r.Error)
				}
				continue
			}
			w.finish(w.newest(), success)
			r := w.expect(made.ID, sequence.Done, tt.outcome.State, sequence.StepSuccess)
			if r.Failure() != nil || r.Trouble() != (tt.outcome.State != sequence.StepSuccess) {
				t.Errorf("%s: %+v", tt.name, r)
			}
		}
	})
}

// newWorldOf is a world of its own in a database that others use too.
func newWorldOf(t *testing.T, d *db.DB, steps, name string) *world {
	t.Helper()
	for _, table := range []string{"documents", "document_refs", "sequence_runs", "sequence_steps", "sequence_state"} {
		if _, err := d.NewDelete().Table(table).Where("1 = 1").Exec(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return newWorld(t, d, steps)
}

// A sequence never runs at the same time as itself: one further run waits, whoever asks how often.
//
// Req: SY-86
func TestNeverOverlaps(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, `[{"sync":"a"}]`)
		first, second, third := w.trigger(), w.trigger(), w.trigger()
		if second.ID == first.ID || third.ID != second.ID || third.UUID != second.UUID {
			t.Errorf("the runs are %d, %d and %d", first.ID, second.ID, third.ID)
		}
		w.expect(second.ID, sequence.Pending)
		if got := w.syncs.order(); len(got) != 1 {
			t.Errorf("syncs ran at the same time: %v", got)
		}
		if st := w.standing(); st.Active != first.ID || st.Waiting != second.ID {
			t.Errorf("%+v", st)
		}
		w.finish(w.newest(), success)
		w.expect(first.ID, sequence.Done, sequence.StepSuccess)
		w.expect(second.ID, sequence.Running, sequence.StepRunning)
		w.finish(w.newest(), success)
		w.expect(second.ID, sequence.Done, sequence.StepSuccess)
		if st := w.standing(); st.Active != 0 || st.Waiting != 0 || !st.Last.Equal(w.now.Now()) {
			t.Errorf("%+v", st)
		}
	})
}

func (w *world) standing() (st sequence.Standing) {
	w.t.Helper()
	err := w.DB.InTx(w.t.Context(), func(ctx context.Context, tx bun.Tx) (err error) {
		st, err = w.Standing(ctx, tx, 1, w.doc.ID)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

// However many workers come at once, each step has one run.
func TestOneRunForEachStep(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, abc)
		made, err := w.Trigger(t.Context(), sequence.Request{WorkspaceID: 1, SequenceID: w.doc.ID, SequenceSlug: "all", Trigger: sequence.TriggerAPI})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			errs := make([]error, 6)
			var all sync.WaitGroup
			for i := range errs {
				all.Go(func() { errs[i] = w.Advance(t.Context(), made.ID) })
			}
			all.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			w.syncs.mu.Lock()
			w.syncs.runs[w.syncs.next] = sequence.Outcome{RunID: w.syncs.next, State: sequence.StepSuccess, Finished: w.now.Now()}
			w.syncs.mu.Unlock()
		}
		if err := w.Reap(t.Context()); err != nil { // every wake-up was lost
			t.Fatal(err)
		}
		w.expect(made.ID, sequence.Done, sequence.StepSuccess, sequence.StepSuccess, sequence.StepSuccess)
		if got := w.syncs.order(); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("the syncs ran as %v", got)
		}
	})
}

// A worker that dies while it starts a step leaves nothing behind; the next one starts it.
func TestStartIsAllOrNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, abc)
		w.syncs.failNext = errors.New("the power went out")
		made, err := w.Trigger(t.Context(), sequence.Request{WorkspaceID: 1, SequenceID: w.doc.ID, SequenceSlug: "all", Trigger: sequence.TriggerManual})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Advance(t.Context(), made.ID); err == nil {
			t.Error("the trouble is lost")
		}
		w.expect(made.ID, sequence.Pending)
		if err := w.Reap(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.expect(made.ID, sequence.Running, sequence.StepRunning, sequence.StepWaiting, sequence.StepWaiting)
	})
}

// Where the run of a step is interrupted, the step follows the run that goes on with its work.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, `[{"sync":"a"},{"sync":"b"}]`)
		made := w.trigger()
		w.finish(501, sequence.Outcome{RunID: 700, State: sequence.StepRunning})
		if r := w.expect(made.ID, sequence.Running, sequence.StepRunning, sequence.StepWaiting); r.Steps[0].RunID != 700 {
			t.Errorf("the step waits for run %d", r.Steps[0].RunID)
		}
		w.finish(700, success)
		w.expect(made.ID, sequence.Running, sequence.StepSuccess, sequence.StepRunning)
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorldOf(t, d, abc, "own")
		first, waiting := w.trigger(), w.trigger()
		w.cancel(waiting.ID)
		w.expect(waiting.ID, sequence.Cancelled)
		w.cancel(first.ID)
		if r := w.expect(first.ID, sequence.Running, sequence.StepRunning, sequence.StepWaiting, sequence.StepWaiting); !r.CancelRequested {
			t.Error("nobody knows that it is to stop")
		}
		if !slices.Equal(w.syncs.stopped, []int64{501}) {
			t.Errorf("cancelled were %v", w.syncs.stopped)
		}
		w.finish(501, sequence.Outcome{State: sequence.StepCancelled})
		w.expect(first.ID, sequence.Cancelled, sequence.StepCancelled, sequence.StepSkipped, sequence.StepSkipped)
		w.cancel(first.ID)
		w.expect(first.ID, sequence.Cancelled, sequence.StepCancelled, sequence.StepSkipped, sequence.StepSkipped)

		w = newWorldOf(t, d, abc, "a run that had not begun")
		w.syncs.instant = true
		first = w.trigger()
		w.cancel(first.ID)
		w.expect(first.ID, sequence.Cancelled, sequence.StepCancelled, sequence.StepSkipped, sequence.StepSkipped)

		w = newWorldOf(t, d, abc, "somebody else's run")
		w.syncs.waiting, w.syncs.runs[77] = 77, sequence.Outcome{RunID: 77, State: sequence.StepRunning}
		first = w.trigger()
		w.cancel(first.ID)
		w.expect(first.ID, sequence.Cancelled, sequence.StepCancelled, sequence.StepSkipped, sequence.StepSkipped)
		if len(w.syncs.stopped) != 0 {
			t.Errorf("cancelled were %v", w.syncs.stopped)
		}
		if _, err := w.Cancel(t.Context(), 2, first.ID); !fault.Is(err, fault.CodeNotFound) {
			t.Errorf("another workspace cancels: %v", err)
		}
	})
}

func (w *world) cancel(id int64) {
	w.t.Helper()
	if _, err := w.Cancel(w.t.Context(), 1, id); err != nil {
		w.t.Fatal(err)
	}
	w.work()
}

// A run keeps the steps with which it began; a sync that is gone fails its step.
func TestChangesUnderARun(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, `[{"sync":"a"},{"sync":"b","terminate":"never"},{"sync":"c"}]`)
		made := w.trigger()
		_, err := w.Documents.Update(t.Context(), scope, "sequence", "all", resource.Write{Name: "All", Spec: spec(`[{"sync":"a"}]`)})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Documents.Delete(t.Context(), scope, "sync", "b", 0); err != nil {
			t.Fatal(err)
		}
		w.syncs.gone["b"] = true
		w.finish(w.newest(), success)
		r := w.expect(made.ID, sequence.Running, sequence.StepSuccess, sequence.StepFailed, sequence.StepRunning)
		if !strings.Contains(r.Steps[1].Error, `there is no sync "b" any more`) || r.Steps[1].RunID != 0 {
			t.Errorf("%+v", r.Steps[1])
		}
		w.finish(w.newest(), success)
		w.expect(made.ID, sequence.Done, sequence.StepSuccess, sequence.StepFailed, sequence.StepSuccess)
		next := w.trigger()
		if r := w.expect(next.ID, sequence.Running, sequence.StepRunning); r.Revision != 2 {
			t.Errorf("the run executes revision %d", r.Revision)
		}
	})
}

// A sync is not deleted while a sequence refers to it.
//
// Req: SY-86
func TestSyncsAreProtected(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, abc)
		err := w.Documents.Delete(t.Context(), scope, "sync", "b", 0)
		if !fault.Is(err, fault.CodeReferenced) || !strings.Contains(fmt.Sprint(err), `sequence "all"`) {
			t.Errorf("%v", err)
		}
	})
}

// Deleting a sequence stops its runs.
func TestDeletedSequence(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, abc)
		first, waiting := w.trigger(), w.trigger()
		if err := w.Documents.Delete(t.Context(), scope, "sequence", "all", 0); err != nil {
			t.Fatal(err)
		}
		w.expect(waiting.ID, sequence.Cancelled)
		if !slices.Equal(w.syncs.stopped, []int64{501}) {
			t.Errorf("cancelled were %v", w.syncs.stopped)
		}
		w.finish(501, sequence.Outcome{State: sequence.StepCancelled})
		w.expect(first.ID, sequence.Cancelled, sequence.StepCancelled, sequence.StepSkipped, sequence.StepSkipped)
	})
}

// Req: SY-88
func TestHistory(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, `[{"sync":"a"}]`)
		var ids []int64
		for range 3 {
			ids = append(ids, w.trigger().ID)
			w.finish(w.newest(), success)
		}
		page, err := w.List(t.Context(), 1, sequence.Filter{SequenceID: w.doc.ID, Limit: 2})
		if err != nil || len(page) != 2 || page[0].ID != ids[2] || page[1].ID != ids[1] || len(page[1].Steps) != 1 {
			t.Errorf("%+v, %v", page, err)
		}
		page, err = w.List(t.Context(), 1, sequence.Filter{SequenceID: w.doc.ID, Before: ids[1], Limit: 2})
		if err != nil || len(page) != 1 || page[0].ID != ids[0] {
			t.Errorf("%+v, %v", page, err)
		}
		latest, err := w.Latest(t.Context(), 1, w.doc.ID)
		if err != nil || latest == nil || latest.ID != ids[2] {
			t.Errorf("%+v, %v", latest, err)
		}
		newest, err := w.Newest(t.Context(), 1)
		if err != nil || newest[w.doc.ID].ID != ids[2] {
			t.Errorf("%+v, %v", newest, err)
		}
		for _, ask := range []func() error{
			func() error { _, err := w.Get(t.Context(), 2, ids[0]); return err },
			func() error { _, err := w.GetByUUID(t.Context(), 2, page[0].UUID); return err },
		} {
			if err := ask(); !fault.Is(err, fault.CodeNotFound) {
				t.Errorf("another workspace reads a run: %v", err)
			}
		}
		if others, err := w.List(t.Context(), 2, sequence.Filter{Limit: 10}); err != nil || len(others) != 0 {
			t.Errorf("another workspace lists %v, %v", others, err)
		}
	})
}
