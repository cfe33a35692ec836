package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"testing"
)

// client is how a public client of the compatible API starts a sync and waits for its end: what it asks in which
// order, which words end its waiting, and which of them it takes for success (their sources, and the contract that was
// made of them).
type client struct {
	name     string
	start    func(w *world, id int64) (run string)
	ask      func(w *world, id int64, run string) (status string)
	terminal []string
	success  []string
}

// The words that end the waiting of most clients.
var allEnds = []string{"cancelled", "failed", "success", "warning", "interrupted"}

func startByForm(w *world, id int64) string {
	return w.trigger("/api/v1/syncs/trigger", url.Values{"syncId": {strconv.FormatInt(id, 10)}})
}

func startByPath(w *world, id int64) string {
	return w.trigger(fmt.Sprintf("/api/v1/syncs/%d/trigger", id), object{})
}

// byRun reads the first run of the list, as clients do without looking whether there is one.
func byRun(w *world, id int64, run string) string {
	return w.ok("GET", fmt.Sprintf("/api/v1/syncs/%d/runs?runId=%s", id, run), nil).text("data.0.status")
}

// bySync reads the sync's own status, and when it last ran, which must not be null.
func bySync(w *world, id int64, _ string) string {
	a := w.ok("GET", fmt.Sprintf("/api/v1/syncs/%d", id), nil)
	if a.at("lastRunAt") == nil {
		w.t.Error("lastRunAt is null after a trigger")
	}
	return a.text("status")
}

var clients = []client{
	{name: "Airflow by number", start: startByForm, ask: byRun, terminal: allEnds, success: []string{"success", "warning"}},
	{name: "Airflow by slug", start: func(w *world, _ int64) string {
		found := w.ok("GET", "/api/v1/syncs?slug=people-to-crm", nil)
		return startByForm(w, found.id("data.0.id"))
	}, ask: byRun, terminal: allEnds, success: []string{"success", "warning"}},
	{name: "Dagster", start: startByPath, ask: byRun, terminal: allEnds, success: []string{"success", "warning"}},
	{name: "Mage", start: func(w *world, _ int64) string {
		return startByPath(w, w.ok("GET", "/api/v1/syncs", nil).id("data.0.id"))
	}, ask: byRun, terminal: allEnds, success: []string{"success"}},
	{name: "Prefect", start: func(w *world, id int64) string {
		return w.trigger(fmt.Sprintf("/api/v1/syncs/%d/trigger", id), object{"fullResync": true})
	}, ask: bySync, terminal: []string{"disabled", "cancelled", "failed", "interrupted", "success"}, success: []string{"success"}},
	{name: "Kestra", start: startByPath, ask: byRun, terminal: allEnds, success: []string{"success", "warning"}},
}

// under are the words of a run that has not ended, which no client may take for an end.
var under = []string{"queued", "querying", "processing", "reporting", "pending"}

// Public orchestrators start a sync with a manual schedule and wait for its end: none sees an end before it is there,
// not that of the run before, and each sees that of its own run.
//
// Req: ORC-02, ORC-03, ORC-04, ORC-05
func TestOrchestrators(t *testing.T) {
	t.Parallel()
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				w.furnish()
				w.source.rows = [][]string{{"1", "Ada", "a"}}
				id := w.ok("GET", "/api/v1/syncs", nil).has("data.0.schedule", nil).id("data.0.id")
				for round := range 2 {
					run := c.start(w, id)
					if status := c.ask(w, id, run); !slices.Contains(under, status) {
						t.Errorf("round %d: right after the trigger the status is %q", round, status)
					}
					seen := ""
					w.target.before = func(int64) error { seen = c.ask(w, id, run); return nil }
					w.source.rows = append(w.source.rows, []string{strconv.Itoa(round + 2), "Bob", "b"})
					w.work()
					if seen != "processing" {
						t.Errorf("round %d: while rows are sent the status is %q", round, seen)
					}
					if status := c.ask(w, id, run); status != "success" || !slices.Contains(c.terminal, status) || !slices.Contains(c.success, status) {
						t.Errorf("round %d: at the end the status is %q", round, status)
					}
				}
				w.target.before, w.target.refuse = nil, "9"
				w.source.rows = append(w.source.rows, []string{"9", "Cyd", "c"})
				run := c.start(w, id)
				w.work()
				if status := byRun(w, id, run); status != "warning" {
					t.Errorf("with a refused row the status is %q", status)
				}
			})
		})
	}
}
