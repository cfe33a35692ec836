package api_test

import (
	"fmt"
	"testing"
	"time"
)

// synced makes a sync whose rows have all arrived.
func (w *world) synced() {
	w.t.Helper()
	w.furnish()
	w.source.rows = [][]string{{"1", "Ada", "a"}, {"2", "Bob", "b"}, {"3", "Cyd", "c"}}
	w.run(3)
}

// run runs the sync and checks how many rows it sent.
func (w *world) run(want int) answer {
	w.t.Helper()
	w.clock.Advance(time.Minute)
	before := w.target.writes
	id := w.ok("POST", "/api/syncs/people-to-crm/trigger", nil).id("run.id")
	w.work()
	a := w.ok("GET", fmt.Sprintf("/api/runs/%d", id), nil).has("state", "committed").has("error", nil)
	if got := w.target.writes - before; got != want {
		w.t.Errorf("run %d sent %d rows, want %d", id, got, want)
	}
	return a
}

func keyed(column string) object {
	spec := modelSpec()
	spec["primaryKey"] = column
	return object{"kind": "model", "metadata": object{"slug": "people", "name": "People"}, "spec": spec}
}

// Req: M-07
func TestPrimaryKeyChangeResyncs(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.synced()
		w.run(0)
		w.ok("PUT", "/api/models/people", keyed("id"))
		w.run(0)
		w.ok("PUT", "/api/models/people", keyed("email"))
		w.run(3).has("planned.added", 3)
		w.run(0)
		w.ok("PUT", "/api/models/people?resync=skip", keyed("id"))
		w.run(0).has("planned.added", 0)
		w.source.rows = append(w.source.rows, []string{"4", "Dan", "d"})
		w.run(1)

		w.ok("POST", "/api/apply", object{"documents": []object{keyed("email")}, "dryRun": true})
		w.run(0)
		w.ok("POST", "/api/apply", object{"documents": []object{keyed("email")}})
		w.run(4)
		w.ok("POST", "/api/apply", object{"documents": []object{keyed("id")}, "resync": "skip"})
		w.run(0)
		id := w.ok("GET", "/api/v1/models", nil).id("data.0.id")
		w.ok("PATCH", fmt.Sprintf("/api/v1/models/%d", id), object{"primaryKey": "email"})
		w.run(4)
		w.send("PUT", "/api/models/people?resync=perhaps", keyed("id")).want(422).has("error.path", "resync")
		w.ok("GET", "/api/models/people", nil).has("spec.primaryKey", "email")
	})
}

// A sync that never sent anything has nothing to reset: skipping would keep its first rows back.
//
// Req: M-07
func TestPrimaryKeyChangeBeforeTheFirstRun(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.furnish()
		w.source.rows = [][]string{{"1", "Ada", "a"}}
		w.ok("PUT", "/api/models/people?resync=skip", keyed("email"))
		w.run(1)
	})
}

// A change while a run is under way waits for the next one.
//
// Req: M-07
func TestPrimaryKeyChangeDuringARun(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.synced()
		w.source.rows = append(w.source.rows, []string{"4", "Dan", "d"})
		w.target.before = func(int64) error {
			w.target.before = nil
			w.ok("PUT", "/api/models/people", keyed("email"))
			return nil
		}
		w.run(1)
		w.run(4)
		w.run(0)
	})
}

// A change runs the syncs at once, unless it is left to their next run.
//
// Req: M-08
func TestPrimaryKeyChangeRunsSyncs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.synced()
		w.ok("PUT", "/api/models/people?defer=true", keyed("email"))
		if waiting := w.queue.take(); len(waiting) != 0 {
			t.Errorf("%d runs were started by a change that is left to the next run", len(waiting))
		}
		w.run(3)
		w.ok("PUT", "/api/models/people", keyed("id"))
		before := w.target.writes
		w.work()
		if sent := w.target.writes - before; sent != 3 {
			t.Errorf("the change sent %d rows, want 3", sent)
		}
		w.ok("GET", "/api/syncs/people-to-crm/runs", nil).has("items.0.trigger", "model")
		w.run(0)
	})
}
