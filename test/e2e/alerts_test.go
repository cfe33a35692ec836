package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// inbox is a webhook that keeps what it is told, and answers as the test says.
type inbox struct {
	*httptest.Server

	mu     sync.Mutex
	status int
	ids    []string
	told   []string
}

func newInbox(t *testing.T) *inbox {
	t.Helper()
	box := &inbox{status: http.StatusNoContent}
	box.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var n struct {
			Type string `json:"type"`
			Data struct{ Trigger, Before, Level string }
		}
		if err != nil || json.Unmarshal(body, &n) != nil {
			t.Errorf("it got %s: %v", body, err)
		}
		box.mu.Lock()
		defer box.mu.Unlock()
		box.ids = append(box.ids, r.Header.Get("webhook-id"))
		if box.status < 300 {
			box.told = append(box.told, fmt.Sprintf("%s %s: %s>%s", n.Type, n.Data.Trigger, n.Data.Before, n.Data.Level))
		}
		w.WriteHeader(box.status)
	}))
	t.Cleanup(box.Close)
	return box
}

func (b *inbox) answer(status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status = status
}

// waitFor waits until so many notices arrived, and checks the last of them.
func (b *inbox) waitFor(t *testing.T, n int, last string) {
	t.Helper()
	var all []string
	err := until(t.Context(), 2*time.Minute, func() (bool, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		all = slices.Clone(b.told)
		return len(all) >= n, nil
	})
	if err != nil || len(all) != n || all[n-1] != last {
		t.Fatalf("it was told %q, want %d ending with %q: %v", all, n, last, err)
	}
}

// attempts returns the ids of all requests that came.
func (b *inbox) attempts() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.ids)
}

// alertDocuments are a sync of a folder into a folder, whose query can be broken, and who is told of it.
func alertDocuments(url, dir, sql string) map[string]any {
	document := func(kind, slug string, spec any) map[string]any {
		return map[string]any{"kind": kind, "metadata": map[string]any{"slug": slug, "name": slug}, "spec": spec}
	}
	type object = map[string]any
	return object{"documents": []any{
		document("alert-channel", "hook", object{"type": "webhook", "configuration": object{"url": url}}),
		document("source", "shop", object{"type": "file", "configuration": object{"path": dir}}),
		document("model", "people", object{"source": "shop", "method": "sql", "sql": sql, "primaryKey": "id"}),
		document("destination", "out", object{"type": "local", "configuration": object{"path": "out"}, "alerts": object{"recipients": []any{object{"channel": "hook"}}}}),
		document("sync", "people", object{
			"model": "people", "destination": "out", "type": "file", "mode": "insert", "allColumns": true,
			"settings": object{"format": "csv", "filename": "people.csv"}, "schedule": object{"type": "manual"},
		}),
	}}
}

// The whole way, over the real binary: a run that fails tells a webhook once, a second one does not, and a success
// calls it off; a notice that was not taken when the process was killed is sent by the next one, under the same id.
//
// Req: SY-61, SY-63, SY-64
func TestAlertsOverTheBinary(t *testing.T) {
	t.Parallel()
	home, data, box := t.TempDir(), t.TempDir(), newInbox(t)
	write(t, filepath.Join(data, "people.csv"), "id,name\n1,Ada\n")
	p := start(t, "MILLRACE_HOME="+home)
	good, bad := "SELECT id, name FROM people", "SELECT id, name FROM nobody"
	p.must("POST", "/api/apply", alertDocuments(box.URL, data, bad), nil)
	var alerts struct {
		Rollup struct{ Level string }
	}
	p.trigger("people")
	box.waitFor(t, 1, "alert.changed fatal: ok>critical")
	p.must("GET", "/api/syncs/people/alerts", nil, &alerts)
	if alerts.Rollup.Level != "critical" {
		t.Errorf("the rollup is %q", alerts.Rollup.Level)
	}
	p.trigger("people")
	p.settle("people")
	p.must("POST", "/api/apply", alertDocuments(box.URL, data, good), nil)
	p.trigger("people")
	box.waitFor(t, 2, "alert.changed fatal: critical>ok")

	box.answer(http.StatusServiceUnavailable)
	p.must("POST", "/api/apply", alertDocuments(box.URL, data, bad), nil)
	p.trigger("people")
	if err := until(t.Context(), time.Minute, func() (bool, error) { return len(box.attempts()) == 3, nil }); err != nil {
		t.Fatalf("waiting for the third notice: %v", err)
	}
	p.kill()
	box.answer(http.StatusNoContent)
	start(t, "MILLRACE_HOME="+home)
	box.waitFor(t, 3, "alert.changed fatal: ok>critical")
	if ids := box.attempts(); len(ids) < 4 || ids[2] != ids[len(ids)-1] {
		t.Errorf("the attempts had the ids %v", ids)
	}
}
