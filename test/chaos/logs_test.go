package chaos

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/audit"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/kind/synclog"
	"github.com/millrace/millrace/internal/query"
)

// logPoints are the failpoints of a log.
var logPoints = []string{"log-taken", "log-staged", "log-written", "log-noted"}

// protocol lets the sync write its logs into the warehouse.
func (w *world) protocol() {
	w.bundle.SyncSpec.SyncLogs = &synclog.Tables{Snapshot: true, Changelog: true, Runs: true}
}

// Warehouse returns the warehouse that logs are written into.
func (w *world) Warehouse(context.Context, int64, int64) (connector.Warehouse, error) {
	return w.warehouse, nil
}

// write writes logs, until the worker dies.
func (k *worker) write(writer *audit.Writer) {
	for ; k.ctx.Err() == nil; time.Sleep(15 * time.Millisecond) {
		k.drain(writer)
	}
}

func (k *worker) drain(writer *audit.Writer) {
	defer func() {
		if p := recover(); p != nil && p != errKilled { //nolint:errorlint // the very value
			panic(p)
		}
	}()
	writer.Drain(k.ctx)
}

// transcribe waits until every log is written.
func (w *world) transcribe() {
	w.t.Helper()
	if w.warehouse == nil {
		return
	}
	for range 40 {
		for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if st, err := w.workers[0].logs.OfSync(w.t.Context(), workspace, syncID); err == nil && st.Waiting == 0 {
				return
			}
		}
		w.revive()
		w.clock.jump(20 * time.Minute) // the longest pause between two attempts is shorter
	}
	st, err := w.workers[0].logs.OfSync(w.t.Context(), workspace, syncID)
	w.tell("logs are not written: %+v, %+v, %v", st, st.Failure, err)
	w.t.FailNow()
}

// ask reads rows of texts and numbers of the warehouse, as texts.
func (h *flakyWarehouse) ask(table string, columns ...string) [][]string {
	h.world.t.Helper()
	ref := query.TableRef{Schema: h.Warehouse.Schemas().Audit, Name: table}
	var texts []string
	for _, c := range columns {
		texts = append(texts, "CAST("+h.Dialect().Ident(c)+" AS TEXT)")
	}
	r, err := h.Warehouse.Query(h.world.t.Context(), connector.Query{SQL: "SELECT " + strings.Join(texts, ", ") + " FROM " + h.Dialect().Table(ref)})
	if err != nil {
		h.world.t.Fatal(err)
	}
	defer r.Release()
	var rows [][]string
	for r.Next() {
		for i := range int(r.RecordBatch().NumRows()) {
			row := make([]string, len(columns))
			for c := range columns {
				row[c] = r.RecordBatch().Column(c).(*array.String).Value(i)
			}
			rows = append(rows, row)
		}
	}
	if err := r.Err(); err != nil {
		h.world.t.Fatal(err)
	}
	return rows
}

// checkLogs compares what the warehouse was told with what the engine knows: each run once, each of its rows once, and
// the model as it is.
func (w *world) checkLogs(runs []run.Run) {
	w.t.Helper()
	if w.warehouse == nil {
		return
	}
	var logged []run.Run
	for _, r := range runs {
		if r.Pinned.Logs != nil {
			logged = append(logged, r)
		}
	}
	if len(logged) == 0 {
		return
	}
	w.checkRuns(logged)
	w.checkChangelog(logged)
	w.checkSnapshot()
}

func (w *world) checkRuns(logged []run.Run) {
	w.t.Helper()
	want := map[string]int{}
	for _, r := range logged {
		want[fmt.Sprint(r.ID, r.Counts.Planned.Total(), r.Counts.Succeeded.Added)]++
	}
	got := map[string]int{}
	for _, row := range w.warehouse.ask(audit.Runs, "sync_run_id", "num_planned_add", "num_planned_change", "num_planned_remove", "num_succeeded_add") {
		var id, added, changed, removed, succeeded int64
		if _, err := fmt.Sscan(row[0]+" "+row[1]+" "+row[2]+" "+row[3]+" "+row[4], &id, &added, &changed, &removed, &succeeded); err != nil {
			w.t.Fatal(err)
		}
		got[fmt.Sprint(id, added+changed+removed, succeeded)]++
	}
	if !maps.Equal(want, got) {
		w.tell("the runs are %v, and the warehouse was told %v", want, got)
	}
}

// checkChangelog: what it says of a run's rows adds up to what the run counts.
func (w *world) checkChangelog(logged []run.Run) {
	w.t.Helper()
	want := map[string]int64{}
	add := func(id int64, op connector.Operation, status run.RowStatus, n int64) {
		if n > 0 {
			want[fmt.Sprint(id, " ", op, " ", status)] += n
		}
	}
	for _, r := range logged {
		if r.Pinned.Plan == nil { // its plan was not kept
			continue
		}
		for status, c := range map[run.RowStatus]run.OpCounts{run.RowSucceeded: r.Counts.Succeeded, run.RowFailed: r.Counts.Failed, run.RowAborted: r.Counts.Aborted} {
			add(r.ID, connector.Added, status, c.Added)
			add(r.ID, connector.Changed, status, c.Changed)
			add(r.ID, connector.Removed, status, c.Removed)
		}
	}
	got, once := map[string]int64{}, map[string]bool{}
	for _, row := range w.warehouse.ask(audit.Changelog, "sync_run_id", "op_type", "status", "row_id") {
		got[row[0]+" "+row[1]+" "+row[2]]++
		if key := row[0] + " " + row[1] + " " + row[3]; once[key] {
			w.tell("the changelog has the row %s twice", key)
		} else {
			once[key] = true
		}
	}
	if !maps.Equal(want, got) {
		w.tell("the runs' rows are %v, and the changelog has %v", want, got)
	}
}

// checkSnapshot: at rest, it has the model's rows, all of which arrived.
func (w *world) checkSnapshot() {
	w.t.Helper()
	var got []string
	for _, row := range w.warehouse.ask(audit.Snapshot, "row_id", "status") {
		got = append(got, row[0])
		if row[1] != string(run.RowSucceeded) {
			w.tell("the snapshot has the row %s as %s", row[0], row[1])
		}
	}
	slices.Sort(got)
	if want := slices.Sorted(maps.Keys(w.model())); !slices.Equal(want, got) {
		w.tell("the model has the rows %v, and the snapshot %v", want, got)
	}
}
