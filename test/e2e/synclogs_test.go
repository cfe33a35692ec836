package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// logEdges are the edges of a sync log's way, and those of a run's at which its log comes into being.
var logEdges = []string{"delivering", "settled", "committed", "log-taken", "log-staged", "log-written", "log-noted"}

// Wherever the process is killed, every run that began is in the warehouse once, with each of its rows, and the snapshot
// is the model.
//
// Req: SY-53, SY-55, SY-56, SY-57, FLD-03
func TestSyncLogsKill(t *testing.T) {
	t.Parallel()
	w := newWorldOn(t, "lightning", http.MethodPut)
	spec := w.source()
	spec["syncLogs"] = map[string]any{"snapshot": true, "runs": true}
	w.server.must(http.MethodPost, "/api/apply", map[string]any{"documents": []any{
		map[string]any{"kind": "source", "metadata": map[string]any{"slug": "people", "name": "people"}, "spec": spec},
	}}, nil)
	var sync map[string]any
	w.server.must(http.MethodGet, "/api/syncs/"+crashSync, nil, &sync)
	own := sync["spec"].(map[string]any)
	own["syncLogs"] = map[string]any{"changelog": true}
	w.server.must(http.MethodPost, "/api/apply", map[string]any{"documents": []any{
		map[string]any{"kind": "sync", "metadata": map[string]any{"slug": crashSync, "name": crashSync}, "spec": own},
	}}, nil)
	w.check()
	for _, point := range logEdges {
		w.waitForLogs() // the next process is to die of the log of the next run
		w.killAtPoint(point)
	}
	w.waitForLogs()
	w.checkLogs()
}

// logsView is what this test reads of how logs stand.
type logsView struct {
	Waiting int64
	Error   *struct{ Message string }
	GivenUp *struct{ RunID int64 }
	Written *struct{ RunID int64 }
}

func (w *world) waitForLogs() {
	w.t.Helper()
	var v logsView
	err := until(w.t.Context(), time.Minute, func() (bool, error) {
		err := w.server.call(http.MethodGet, "/api/syncs/"+crashSync+"/sync-logs", nil, &v)
		return v.Waiting == 0 && v.Written != nil, err
	})
	if err != nil || v.GivenUp != nil {
		w.t.Fatalf("the logs are not written: %+v: %v\n%s", v, err, w.server.log)
	}
}

// checkLogs compares the warehouse with what the server says of each run.
func (w *world) checkLogs() {
	w.t.Helper()
	var want, rows []string
	for _, r := range w.server.runs(crashSync) {
		status := "failed"
		if r.State == "committed" {
			status = "succeeded"
		}
		want = append(want, fmt.Sprintf("%d %s %d/%d/%d %d/%d/%d", r.ID, status, r.Planned.Added, r.Planned.Changed, r.Planned.Removed, r.Succeeded.Added, r.Succeeded.Changed, r.Succeeded.Removed))
		if r.Planned.total() == 0 {
			continue
		}
		for _, status := range []string{"succeeded", "failed", "aborted"} {
			for _, row := range w.server.rows(r.ID, status) {
				rows = append(rows, fmt.Sprintf("%d %s %s %s", r.ID, row.Operation, row.Key, status))
			}
		}
	}
	w.same("runs", want, `SELECT concat_ws(' ', sync_run_id, status, concat_ws('/', num_planned_add, num_planned_change, num_planned_remove),
		concat_ws('/', num_succeeded_add, num_succeeded_change, num_succeeded_remove)) FROM millrace_audit.sync_runs`)
	w.same("changelog", rows, "SELECT concat_ws(' ', sync_run_id, op_type, row_id, status) FROM millrace_audit.sync_changelog")
	var model []string
	for id, version := range w.people.rows {
		model = append(model, fmt.Sprintf("%d succeeded %d", id, version))
	}
	w.same("snapshot", model, "SELECT concat_ws(' ', row_id, status, fields->>'version') FROM millrace_audit.sync_snapshot")
	if left := w.people.db.text("SELECT tablename FROM pg_tables WHERE schemaname = 'millrace_planner' AND tablename LIKE '%\\_log\\_%'"); left != "" {
		w.t.Errorf("these tables are left: %s", left)
	}
}

// same compares the rows of a query, in any order.
func (w *world) same(what string, want []string, query string) {
	w.t.Helper()
	got := strings.Split(w.people.db.text(query), "\n")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("%s: the warehouse has %d rows\n%s\nwant %d\n%s", what, len(got), strings.Join(got, "\n"), len(want), strings.Join(want, "\n"))
	}
}
