package run_test

import (
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	kindsync "github.com/millrace/millrace/internal/kind/sync"
)

// each runs a test on both databases.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, newWorld(t, d)) })
}

// Req: SY-01, SY-08, SY-15, SY-39, SY-40, M-04, M-05, FLD-02, FLD-04
func TestOnlyTheDifferenceIsSent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.target.have["stranger"] = "was here before"
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2), r("3", "Cyd", 3), r("4", "Dan", 4), r("4", "Dan again", 4), {nil, "Nobody", 0}}
		first := w.run(run.Options{})
		if first.State != run.Committed || first.Words().REST != "warning" {
			t.Fatalf("%s %s: %+v", first.State, first.Words().REST, first.Failure)
		}
		if c := first.Counts; c.Read != 6 || c.Planned.Added != 3 || c.Succeeded.Added != 3 || c.NullKeys != 1 || c.Duplicates != 2 {
			t.Errorf("%+v", c)
		}
		w.rows = []row{r("1", "Ann", 100), r("2", "Bobby", 2), r("5", "Eve", 5)}
		second := w.run(run.Options{})
		if c := second.Counts; c.Unchanged != 1 || c.Succeeded != (run.OpCounts{Added: 1, Changed: 1, Removed: 1}) {
			t.Errorf("an unmapped column counts as no change: %+v", c)
		}
		w.checkTarget(map[string]string{"1": "Ann", "2": "Bobby", "5": "Eve", "stranger": "was here before"})
		if second.Words().REST != "success" {
			t.Errorf("%s", second.Words().REST)
		}
	})
}

// Req: SY-45, SY-77, SY-79, FLD-01, FLD-08, FLD-31
func TestFailedRowsComeAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2), r("3", "Cyd", 3)}
		w.run(run.Options{})
		w.target.refuse = func(row connector.Row) string {
			return map[string]string{"2": "no bobs", "3": "gone", "4": "not yet"}[row.Key]
		}
		w.rows = []row{r("1", "Ann", 1), r("2", "Bobby", 2), r("4", "Dan", 4)}
		failed := w.run(run.Options{})
		if failed.Counts.Failed != (run.OpCounts{Added: 1, Changed: 1, Removed: 1}) || failed.Words().REST != "warning" {
			t.Fatalf("%+v", failed.Counts)
		}
		w.target.refuse = nil
		again := w.run(run.Options{})
		if again.Counts.Succeeded != (run.OpCounts{Added: 1, Changed: 1, Removed: 1}) {
			t.Errorf("the rows that failed, as what they were: %+v", again.Counts)
		}
		w.checkTarget(w.model())
		if idle := w.run(run.Options{}); idle.Counts.Planned.Total() != 0 {
			t.Errorf("%+v", idle.Counts)
		}
	})
}

// Req: SY-18, SY-19, SY-36, SY-75
func TestInsertModeTakesNewRowsOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bundle.SyncSpec.Mode, w.bundle.SyncSpec.Delete = connector.ModeInsert, connector.DeleteNothing
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
		w.run(run.Options{})
		w.rows = []row{r("1", "Anna", 1), r("3", "Cyd", 3)}
		second := w.run(run.Options{})
		if c := second.Counts; c.Planned != (run.OpCounts{Added: 1}) || c.Ignored != (run.OpCounts{Changed: 1, Removed: 1}) {
			t.Errorf("%+v", c)
		}
		w.bundle.SyncSpec.Mappings = append(w.bundle.SyncSpec.Mappings, kindsync.Mapping{To: "score", From: "score"})
		if c := w.run(run.Options{}).Counts; c.Planned.Total() != 0 {
			t.Errorf("a new mapping resends nothing in insert mode: %+v", c)
		}
		w.rows = append(w.rows, r("2", "Bob", 2))
		if c := w.run(run.Options{}).Counts; c.Planned != (run.OpCounts{Added: 1}) {
			t.Errorf("a key that left and returns is added again: %+v", c)
		}
	})
}

// Req: SY-12, SY-14, SY-36
func TestResyncAndReset(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
		w.run(run.Options{})
		w.rows = []row{r("1", "Ann", 1), r("3", "Cyd", 3)}
		full := w.run(run.Options{FullResync: true})
		if full.Counts.Succeeded != (run.OpCounts{Added: 2}) {
			t.Errorf("a full resync adds every row and removes none: %+v", full.Counts)
		}
		w.checkTarget(map[string]string{"1": "Ann", "2": "Bob", "3": "Cyd"})
		w.rows = []row{r("1", "Annie", 1), r("4", "Dan", 4)}
		w.target.writes = 0
		reset := w.run(run.Options{ResetCDC: true})
		if reset.State != run.Committed || w.target.writes != 0 || reset.Counts.Planned.Total() != 0 {
			t.Errorf("a reset sends nothing: %+v", reset.Counts)
		}
		w.rows = []row{r("1", "Annie", 1), r("4", "Dana", 4)}
		if c := w.run(run.Options{}).Counts; c.Succeeded != (run.OpCounts{Changed: 1}) {
			t.Errorf("later changes count from the reset: %+v", c)
		}
		w.bundle.SyncSpec.Mappings[1].From = "score"
		if c := w.run(run.Options{}).Counts; c.Succeeded != (run.OpCounts{Changed: 2}) {
			t.Errorf("a new mapping sends every row as changed: %+v", c)
		}
	})
}

// Where the first run only remembers the rows, a full resync does, too: nobody gets a message about every row.
//
// Req: SY-12
func TestAFullResyncIsAFirstRun(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.target.limits.SkipInitial = true
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
		for _, options := range []run.Options{{}, {FullResync: true}} {
			w.rows = append(w.rows, r("3", "Cyd", 3))
			if got := w.run(options); got.State != run.Committed || w.target.writes != 0 || got.Counts.Planned.Total() != 0 {
				t.Errorf("%+v sends %+v", options, got.Counts)
			}
			w.rows = w.rows[:2]
		}
		if c := w.run(run.Options{}).Counts; c.Succeeded != (run.OpCounts{Removed: 1}) {
			t.Errorf("later changes count from the resync: %+v", c)
		}
	})
}

// Req: M-07, M-30, SY-37
func TestErrorsStopTheRunAndLoseNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1)}
		w.run(run.Options{})
		tests := []struct {
			name    string
			arrange func()
			code    fault.Code
		}{
			{"the source fails", func() { w.fail = fault.New(fault.CodeSourceQuery, `relation "x" does not exist`) }, fault.CodeSourceQuery},
			{"a mapped column is gone", func() { w.bundle.SyncSpec.Mappings = []kindsync.Mapping{{To: "n", From: "nam"}} }, fault.CodeMappingColumn},
			{"another primary key", func() { w.bundle.ModelSpec.PrimaryKey = "name" }, fault.CodeRunKeyChanged},
			{"another place", func() { w.bundle.DestinationSpec.Configuration = map[string]any{"place": "there"} }, fault.CodeRunBaseline},
			{"the destination is fatally wrong", func() {
				w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
				w.target.before = func(*connector.Batch) error { return fault.New(fault.CodeDestinationAuth, "401 bad key") }
			}, fault.CodeDestinationAuth},
		}
		saved, rows := w.bundle, w.rows
		for _, tt := range tests {
			tt.arrange()
			got := w.run(run.Options{})
			if got.State != run.Failed || got.Failure == nil || got.Failure.Code != tt.code || got.Failure.Suggestion == "" {
				t.Errorf("%s: %s, %+v", tt.name, got.State, got.Failure)
			}
			w.bundle, w.rows, w.fail, w.target.before = saved, rows, nil, nil
		}
		if c := w.run(run.Options{}).Counts; c.Unchanged != 1 || c.Planned.Total() != 0 {
			t.Errorf("the baseline suffered: %+v", c)
		}
	})
}

// Req: SY-18
func TestAllModeSendsEveryRowEveryTime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.bundle.SyncSpec.Mode, w.bundle.SyncSpec.Delete = connector.ModeAll, ""
		w.target.limits.Deferred, w.target.limits.Concurrency = true, 1
		w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
		for range 2 {
			if c := w.run(run.Options{}).Counts; c.Succeeded != (run.OpCounts{Added: 2}) {
				t.Errorf("%+v", c)
			}
		}
		if w.target.finishes != 2 {
			t.Errorf("finished %d times", w.target.finishes)
		}
	})
}

func TestOneRunAtATime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.rows = []row{r("1", "Ann", 1)}
		request := run.Request{WorkspaceID: workspace, SyncID: syncID, Trigger: run.TriggerAPI}
		var second, third run.Run
		w.target.before = func(*connector.Batch) error {
			var err error
			if second, err = w.store.Trigger(t.Context(), request, w.queue); err != nil {
				return err
			}
			request.Options.FullResync = true
			third, err = w.store.Trigger(t.Context(), request, w.queue)
			if err != nil {
				return err
			}
			return w.engine.Execute(t.Context(), second.ID)
		}
		first := w.run(run.Options{})
		if first.State != run.Committed || second.ID != third.ID || !third.Options.FullResync {
			t.Fatalf("%s; the runs %d and %d wait with %+v", first.State, second.ID, third.ID, third.Options)
		}
		if got := w.get(second.ID); got.State != run.Queued {
			t.Errorf("the second run is %s while the first is active", got.State)
		}
		w.target.before = nil
		if got := w.execute(second.ID); got.State != run.Committed || got.Counts.Succeeded.Added != 1 {
			t.Errorf("%s %+v", got.State, got.Counts)
		}
	})
}

// Req: SY-69
func TestCancelLeavesACommittedPrefix(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.target.limits.Rows, w.target.limits.Concurrency = 1, 1
		for _, id := range []string{"1", "2", "3", "4", "5", "6"} {
			w.rows = append(w.rows, r(id, "x"+id, 1))
		}
		w.target.before = func(*connector.Batch) error {
			if w.target.writes == 2 {
				w.engine.Stop()
			}
			return nil
		}
		first := w.run(run.Options{})
		if first.State != run.Interrupted || first.Counts.Succeeded.Added != 3 || first.Counts.Aborted.Added != 3 {
			t.Fatalf("%s %+v", first.State, first.Counts)
		}
		w.target.before = nil
		w.restart()
		if len(w.queue.ids) != 2 {
			t.Fatalf("%v are queued, want the run and the one that continues it", w.queue.ids)
		}
		next := w.execute(w.queue.ids[1])
		if next.Trigger != run.TriggerRecovery || next.Counts.Succeeded.Added != 3 || next.Counts.Unchanged != 3 {
			t.Errorf("%+v", next.Counts)
		}
		w.checkTarget(w.model())
	})
}

// Rows pass through this machine only while a run is under way: afterwards its folder is gone, however it ended, and
// what the sync remembers is in storage alone.
//
// Req: X-01
func TestNothingStaysBehind(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.fill(4)
		var passing atomic.Int64 // batches go side by side
		w.target.before = func(*connector.Batch) error { passing.Store(int64(w.files("work", ""))); return nil }
		if got := w.run(run.Options{}); got.State != run.Committed || passing.Load() == 0 {
			t.Fatalf("%s; %d files while rows were sent", got.State, passing.Load())
		}
		left := func(after string) {
			t.Helper()
			if n := w.files("work", ""); n != 0 {
				t.Errorf("%d files are left after %s", n, after)
			}
		}
		left("a run")
		w.rows[0].name = "another"
		w.target.before = func(*connector.Batch) error { return fault.New(fault.CodeDestinationDenied, "not any more") }
		if got := w.run(run.Options{}); got.State != run.Failed {
			t.Fatal(got.State)
		}
		left("a failed run")
	})
}
