package run_test

import (
	"context"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
)

// emptied is a target that can be emptied, with rows of a first run and one that Millrace did not put there.
func emptied(w *world) (clears *int) {
	w.t.Helper()
	w.fill(6)
	clears = new(int)
	w.target.clear = func(context.Context) error {
		*clears++
		w.target.mu.Lock()
		defer w.target.mu.Unlock()
		clear(w.target.have)
		return nil
	}
	if got := w.run(run.Options{}); got.State != run.Committed {
		w.t.Fatalf("the first run: %s %+v", got.State, got.Failure)
	}
	w.target.have["stray"] = "put there by hand"
	clear(w.target.sends)
	return clears
}

var clearAndFill = run.Options{ClearAndFill: true}

// Everything that the target holds goes, and every row is sent again; afterwards only changes are.
//
// Req: SY-13
func TestClearAndFill(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		clears := emptied(w)
		got := w.run(clearAndFill)
		if got.State != run.Committed || *clears != 1 || got.Counts.Planned.Added != 6 || got.Counts.Succeeded.Added != 6 {
			t.Errorf("%s after %d clears: %+v %+v", got.State, *clears, got.Counts, got.Failure)
		}
		w.checkTarget(w.model())
		w.sentOnce()
		w.rows[0].name = "another"
		if got := w.run(run.Options{}); *clears != 1 || got.Counts.Planned.Total() != 1 {
			t.Errorf("the run after it clears, or plans more than the change: %d clears, %+v", *clears, got.Counts)
		}
		w.rows = nil
		if got := w.run(clearAndFill); got.State != run.Committed || *clears != 2 {
			t.Errorf("of a model without rows: %s after %d clears", got.State, *clears)
		}
		w.checkTarget(map[string]string{})
	})
}

// Wherever the process dies, the target is empty before it is filled, and full in the end; what was emptied for
// certain is not emptied again.
//
// Req: SY-13
func TestClearAndFillCrashes(t *testing.T) {
	t.Parallel()
	for point, want := range map[string]int{"planning": 1, "kept": 1, "delivering": 1, "clearing": 1, "cleared": 2, "settling": 1, "settled": 1, "committed": 1} {
		t.Run(point, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				clears := emptied(w)
				made, err := w.store.Trigger(t.Context(), run.Request{WorkspaceID: workspace, SyncID: syncID, SyncSlug: "people", Trigger: run.TriggerManual, Options: clearAndFill}, w.queue)
				if err != nil {
					t.Fatal(err)
				}
				if !w.crash(made.ID, point, 0, false) {
					t.Fatalf("the run did not reach %q", point)
				}
				w.recover()
				if *clears != want {
					t.Errorf("%d clears, want %d", *clears, want)
				}
				w.checkTarget(w.model())
				if got := w.run(run.Options{}); got.Counts.Planned.Total() != 0 || *clears != want {
					t.Errorf("the run after it: %+v, %d clears", got.Counts, *clears)
				}
			})
		})
	}
}

// A vendor that takes long holds no worker, and is asked again.
//
// Req: SY-13
func TestClearingPauses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		clears := emptied(w)
		empty, asked := w.target.clear, 0
		w.target.clear = func(ctx context.Context) error {
			if asked++; asked < 3 {
				return fault.RetryAfter(fault.New(fault.CodeDestinationThrottled, "still clearing"), time.Hour)
			}
			return empty(ctx)
		}
		made, err := w.store.Trigger(t.Context(), run.Request{WorkspaceID: workspace, SyncID: syncID, SyncSlug: "people", Trigger: run.TriggerManual, Options: clearAndFill}, w.queue)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 2 {
			got := w.get(made.ID)
			if n == 0 {
				got = w.execute(made.ID)
			}
			if got.State != run.Delivering || !got.ResumeAt.Equal(w.clock.Now().Add(time.Hour)) || *clears != 0 {
				t.Fatalf("asked %d times: %s until %s", asked, got.State, got.ResumeAt)
			}
			w.clock.Advance(time.Hour)
			w.wake()
		}
		if got := w.get(made.ID); got.State != run.Committed || *clears != 1 {
			t.Errorf("%s after %d clears: %+v", got.State, *clears, got.Failure)
		}
		w.checkTarget(w.model())
		w.sentOnce()
	})
}

// What could not be emptied is emptied by the next run, until a person does not want it any more. A run that finds no
// rows to send empties nothing.
//
// Req: SY-13, SY-14
func TestClearingFails(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		clears := emptied(w)
		w.fail = fault.New(fault.CodeSourceQuery, "no such table")
		if got := w.run(clearAndFill); got.State != run.Failed || *clears != 0 {
			t.Errorf("a failed query: %s after %d clears", got.State, *clears)
		}
		w.fail = nil
		if got := w.run(run.Options{}); got.State != run.Committed || *clears != 0 {
			t.Errorf("the run after a failed query: %s after %d clears", got.State, *clears)
		}
		empty := w.target.clear
		w.target.clear = func(context.Context) error { return fault.New(fault.CodeDestinationDenied, "may not empty it") }
		for _, o := range []run.Options{clearAndFill, {}} {
			got := w.run(o)
			if got.State != run.Failed || got.Counts.Succeeded.Total() != 0 {
				t.Errorf("%+v: %s %+v", o, got.State, got.Counts)
			}
		}
		w.target.clear = empty
		if got := w.run(run.Options{}); got.State != run.Committed || *clears != 1 {
			t.Errorf("the run that may: %s after %d clears", got.State, *clears)
		}
		w.checkTarget(w.model())

		w.target.clear = func(context.Context) error { return fault.New(fault.CodeDestinationDenied, "may not empty it") }
		w.run(clearAndFill)
		if got := w.run(run.Options{ResetCDC: true}); got.State != run.Committed {
			t.Errorf("a CDC reset: %s %+v", got.State, got.Failure)
		}
		if got := w.run(run.Options{}); got.State != run.Committed || got.Counts.Planned.Total() != 0 {
			t.Errorf("the run after a CDC reset: %s %+v", got.State, got.Counts)
		}
		w.target.clear = nil
		if got := w.run(clearAndFill); got.State != run.Failed || got.Failure.Code != fault.CodeInvalid {
			t.Errorf("a destination that cannot: %s %+v", got.State, got.Failure)
		}
		if _, err := w.store.Trigger(t.Context(), run.Request{WorkspaceID: workspace, SyncID: syncID, Options: run.Options{ClearAndFill: true, ResetCDC: true}}, w.queue); !fault.Is(err, fault.CodeInvalid) {
			t.Errorf("clear and fill with a CDC reset: %v", err)
		}
	})
}

var _ connector.Clearer = clearTarget{}
