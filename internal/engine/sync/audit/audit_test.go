package audit_test

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
)

const duplicate = "Several rows of the model have this primary key, so none of them is sent. Keep one row for each key." +
	" For example: SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY id ORDER BY id) AS nth FROM (…) AS model) AS ranked WHERE nth = 1"

// Every run leaves its operations in the changelog, the snapshot has each row of the model, and the runs their numbers.
//
// Req: SY-53, SY-55, SY-56, SY-57, WH-11, WH-12, WH-13
func TestTables(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.target.refuse = map[string]string{"3": "no cyds\x00\xff"}
		w.people(person{"1", "Ann"}, person{"2", "Bob"}, person{"3", "Cyd"}, person{"4", "Dan"}, person{"4", "Dan again"}, person{"", "Nobody"})
		first := w.logged(run.Options{})
		rows := []string{
			`added|1|succeeded|-|{"id":"1","name":"Ann"}`, `added|2|succeeded|-|{"id":"2","name":"Bob"}`,
			"added|3|failed|no cyds\ufffd\ufffd|" + `{"id":"3","name":"Cyd"}`,
			`added|4|failed|` + duplicate + `|{"id":"4","name":"Dan"}`, `added|4|failed|` + duplicate + `|{"id":"4","name":"Dan again"}`,
		}
		w.want(changelog, rows...)
		w.want(snapshot, rows...)

		w.target.refuse = nil
		w.people(person{"1", "Anna"}, person{"3", "Cyd"}, person{"5", "Eve"}, person{"6", "Fay"})
		w.logged(run.Options{})
		more := []string{
			`removed|2|succeeded|-|{"id":"2","name":"Bob"}`, `changed|1|succeeded|-|{"id":"1","name":"Anna"}`,
			`added|3|succeeded|-|{"id":"3","name":"Cyd"}`, `added|5|succeeded|-|{"id":"5","name":"Eve"}`, `added|6|succeeded|-|{"id":"6","name":"Fay"}`,
		}
		w.want(changelog, append(rows, more...)...)
		w.want(snapshot, more[1:]...)

		w.people(person{"1", "Anna"}, person{"3", "Cyd"}, person{"6", "Faye"})
		third := w.logged(run.Options{})
		w.want(snapshot, `unchanged|1|succeeded|-|{"id":"1","name":"Anna"}`, `unchanged|3|succeeded|-|{"id":"3","name":"Cyd"}`, `changed|6|succeeded|-|{"id":"6","name":"Faye"}`)
		w.want(fmt.Sprintf(changelog+" AND sync_run_id = %d", third.ID), `removed|5|succeeded|-|{"id":"5","name":"Eve"}`, `changed|6|succeeded|-|{"id":"6","name":"Faye"}`)

		const runs = `SELECT sync_id, primary_key, destination, model_name, model_id, status, error, num_planned_add, num_planned_change, num_planned_remove,
			num_attempted_add, num_attempted_change, num_attempted_remove, num_succeeded_add, num_succeeded_change, num_succeeded_remove,
			num_failed_add, num_failed_change, num_failed_remove FROM millrace_audit.sync_runs`
		w.want(runs, "77|id|Test CRM|People|5|succeeded|-|3|0|0|3|0|0|2|0|0|1|0|0", "77|id|Test CRM|People|5|succeeded|-|3|1|1|3|1|1|3|1|1|0|0|0", "77|id|Test CRM|People|5|succeeded|-|0|1|1|0|1|1|0|1|1|0|0|0")
		w.want(fmt.Sprintf("SELECT started_at, finished_at FROM millrace_audit.sync_runs WHERE sync_run_id = %d", first.ID), "2026-03-01T08:00:00.000Z|2026-03-01T08:00:00.000Z")
		if left := w.leftovers(); len(left) > 0 {
			t.Errorf("these tables are left: %v", left)
		}
	})
}

// A run that ends early tells which rows it did not attempt, and what ended it.
//
// Req: SY-55, SY-57
func TestRunsThatEndEarly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		const runs = "SELECT status, error, num_planned_add, num_attempted_add, num_succeeded_add, num_failed_add FROM millrace_audit.sync_runs WHERE sync_run_id = %d"
		w.people(person{"1", "Ann"}, person{"2", "Bob"}, person{"3", "Cyd"}, person{"4", "Dan"})
		written := 0
		w.target.fail = func(*connector.Batch) error {
			if written++; written > 1 {
				return fault.New(fault.CodeDestinationAuth, "the key is gone")
			}
			return nil
		}
		failed := w.logged(run.Options{})
		w.want(fmt.Sprintf(runs, failed.ID), "failed|the key is gone|4|2|2|0")
		w.want("SELECT status, count(*) FROM millrace_audit.sync_changelog GROUP BY status", "aborted|2", "succeeded|2")
		w.want("SELECT status, count(*) FROM millrace_audit.sync_snapshot GROUP BY status", "aborted|2", "succeeded|2")

		id := w.trigger(run.Options{FullResync: true})
		beats := make(chan struct{})
		w.engine.Changed = func(run.Run) {
			select {
			case beats <- struct{}{}:
			default:
			}
		}
		cancelled := false
		w.target.fail = func(*connector.Batch) error {
			if cancelled {
				return nil
			}
			cancelled = true
			_, err := w.runs.Cancel(t.Context(), workspace, id)
			for range 2 { // the second heartbeat from now on has surely heard of it
				<-beats
			}
			return err
		}
		if got := w.execute(id); got.State != run.Cancelled {
			t.Fatalf("the run is %s", got.State)
		}
		w.drain()
		w.want(fmt.Sprintf("SELECT status, error FROM millrace_audit.sync_runs WHERE sync_run_id = %d", id), "failed|Cancelled by user")

		w.target.fail = nil
		w.exec("DROP TABLE shop.people")
		broken := w.logged(run.Options{})
		if broken.State != run.Failed {
			t.Fatalf("the run is %s", broken.State)
		}
		got := w.read(fmt.Sprintf(runs, broken.ID))
		if len(got) != 1 || got[0] != "failed|"+broken.Failure.Message+"|0|0|0|0" {
			t.Errorf("a run without a plan is %q", got)
		}
	})
}
