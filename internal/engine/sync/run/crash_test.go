package run_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
)

var errCrash = errors.New("the process was killed here")

// crash executes a run in a process that dies: at a point of the state machine, or at a write.
func (w *world) crash(id int64, point string, write int, taken bool) (crashed bool) {
	w.t.Helper()
	ctx, kill := context.WithCancelCause(w.t.Context())
	defer kill(nil)
	w.engine.Failpoint = func(p string) {
		if p == point {
			panic(errCrash)
		}
	}
	var writes, died atomic.Int64
	die := func(*connector.Batch) error {
		if writes.Add(1) == int64(write) {
			died.Store(1)
			kill(errCrash)
			return fault.New(fault.CodeDestinationTimeout, "killed")
		}
		return nil
	}
	if taken {
		w.target.after = die
	} else {
		w.target.before = die
	}
	defer func() {
		w.target.before, w.target.after = nil, nil
		crashed = died.Load() == 1
		if p := recover(); p != nil {
			if p != errCrash { //nolint:errorlint // the very value
				panic(p)
			}
			crashed = true
		}
	}()
	if err := w.engine.Execute(ctx, id); err != nil && died.Load() == 0 {
		w.t.Fatal(err)
	}
	return false
}

// recover is the next process: it settles what was left and executes what waits.
func (w *world) recover() {
	w.t.Helper()
	w.queue.ids = nil
	w.restart()
	if _, err := w.engine.Reap(w.t.Context(), true); err != nil {
		w.t.Fatal(err)
	}
	for len(w.queue.ids) > 0 {
		id := w.queue.ids[0]
		w.queue.ids = w.queue.ids[1:]
		w.execute(id)
	}
}

func (w *world) trigger() int64 {
	w.t.Helper()
	made, err := w.store.Trigger(w.t.Context(), run.Request{WorkspaceID: workspace, SyncID: syncID, SyncSlug: "people", Trigger: run.TriggerManual}, w.queue)
	if err != nil {
		w.t.Fatal(err)
	}
	return made.ID
}

// change makes a next version of the model.
func (w *world) change(rnd *rand.Rand) {
	var rows []row
	for _, old := range w.rows {
		switch rnd.IntN(5) {
		case 0: // removed
		case 1:
			rows = append(rows, r(*old.id, fmt.Sprintf("%s.%d", old.name, rnd.IntN(100)), old.score))
		default:
			rows = append(rows, old)
		}
	}
	for range rnd.IntN(6) {
		id := strconv.Itoa(rnd.IntN(40))
		fresh := true
		for _, old := range rows {
			fresh = fresh && *old.id != id
		}
		if fresh {
			rows = append(rows, r(id, "new"+id, 1))
		}
	}
	w.rows = rows
}

// Wherever a run dies, the next process settles it, no row whose answer was journaled is sent again for
// that plan, and in the end the destination holds what the model says. Invariants R1 to R6.
// Req: FLD-03, FLD-31, SY-39, SY-77
func TestCrashAtEveryPoint(t *testing.T) {
	each(t, crashAtEveryPoint)
}

func crashAtEveryPoint(t *testing.T, w *world) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, p := range []string{"querying", "planning", "kept", "delivering", "settling", "settled"} {
		t.Run(p, func(t *testing.T) {
			w.t = t
			w.change(rnd)
			w.rows = append(w.rows, r("at-"+p, "x", 1)) // so that there is something to send
			if !w.crash(w.trigger(), p, 0, false) {
				t.Fatal("the run did not pass this point")
			}
			w.recover()
			w.checkTarget(w.model())
		})
	}
}

// Req: FLD-03
func TestCrashAtAnyWrite(t *testing.T) {
	each(t, func(t *testing.T, w *world) { crashAtAnyWrite(t, w, 30) })
}

func crashAtAnyWrite(t *testing.T, w *world, times int) {
	for i := range times {
		seed := uint64(i) + 1
		rnd := rand.New(rand.NewPCG(seed, 7))
		w.change(rnd)
		w.change(rnd)
		clear(w.target.sends)
		id := w.trigger()
		if !w.crash(id, "", 1+rnd.IntN(4), rnd.IntN(2) == 0) {
			w.checkTarget(w.model())
			continue
		}
		acknowledged := w.journaled(id)
		before := map[string]int{}
		for _, key := range acknowledged {
			before[key] = w.target.sends[key]
		}
		w.recover()
		w.checkTarget(w.model())
		for _, key := range acknowledged {
			if w.target.sends[key] != before[key] {
				t.Errorf("seed %d: row %s was acknowledged and sent again", seed, key)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// journaled lists the keys of the rows that the run's journal calls accepted.
func (w *world) journaled(id int64) []string {
	w.t.Helper()
	rows, _, err := w.engine.Rows(w.t.Context(), workspace, id, run.RowQuery{Statuses: []run.RowStatus{run.RowSucceeded}, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = r.Key
	}
	return keys
}

// A worker that was stopped and comes back after another took its run over commits nothing. Invariant R2.
func TestARevivedWorkerChangesNothing(t *testing.T) {
	each(t, revivedWorker)
}

func revivedWorker(t *testing.T, w *world) {
	w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2), r("3", "Cyd", 3)}
	id := w.trigger()
	taken := false
	w.target.after = func(*connector.Batch) error {
		if taken {
			return nil
		}
		taken = true // another process finds the lease over while this one hangs in a request
		old := w.engine
		w.restart()
		if _, err := w.engine.Reap(t.Context(), true); err != nil {
			return err
		}
		w.engine = old
		return nil
	}
	if err := w.engine.Execute(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	got := w.get(id)
	if got.State != run.Interrupted {
		t.Fatalf("the run is %s: the revived worker wrote over it", got.State)
	}
	w.target.after = nil
	w.recover()
	w.checkTarget(w.model())
}

// Rows in doubt at a destination that would take them twice are reported, not sent again.
func TestRowsInDoubtAreReported(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.target.limits.Idempotency, w.target.limits.Concurrency = connector.NotIdempotent, 1
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2), r("3", "Cyd", 3)}
		if !w.crash(w.trigger(), "", 1, true) {
			t.Fatal("no crash")
		}
		w.recover()
		runs, err := w.store.List(t.Context(), workspace, run.Filter{SyncID: syncID, Limit: 10})
		if err != nil || len(runs) != 2 {
			t.Fatalf("%d runs: %v", len(runs), err)
		}
		if runs[1].Counts.InDoubt != 2 || runs[0].Counts.Succeeded.Added != 1 {
			t.Errorf("%d rows in doubt, then %+v", runs[1].Counts.InDoubt, runs[0].Counts.Succeeded)
		}
		for key, n := range w.target.sends {
			if n != 1 {
				t.Errorf("row %s was taken %d times", key, n)
			}
		}
	})
}
