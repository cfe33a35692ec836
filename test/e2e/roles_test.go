package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/millrace/millrace/test/services"
)

// With PostgreSQL, one process serves the API and others do the work. Each answers health checks, and only the
// API's serves the API.
func TestSplitRoles(t *testing.T) {
	t.Parallel()
	shared := []string{
		"MILLRACE_DATABASE_URL=" + services.Postgres(t), "MILLRACE_STORAGE_URL=file://" + t.TempDir(),
		"MILLRACE_ENCRYPTION_KEY=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
	}
	with := func(more ...string) []string {
		return append(append([]string{"MILLRACE_HOME=" + t.TempDir()}, shared...), more...)
	}
	w := &world{t: t, people: &people{dir: t.TempDir(), rows: map[int]int{}}, receiver: newReceiver(t)}
	for id := range 40 {
		w.people.rows[id] = 1
	}
	w.people.save(t)
	w.server = start(t, with("MILLRACE_ROLES=api")...)
	w.configure(http.MethodPut)
	waiting := w.server.trigger(crashSync)
	if waiting.State != "queued" {
		t.Errorf("without a worker the run is %s", waiting.State)
	}
	workers := []*process{start(t, with("MILLRACE_ROLES=worker")...), start(t, with("MILLRACE_ROLES=worker")...)}
	w.server.settle(crashSync)
	w.check()
	for _, p := range append(workers, w.server) {
		if status, body := fetch(t, p.base+"/readyz"); status != http.StatusOK || !strings.Contains(body, `"storage":"ok"`) {
			t.Errorf("readiness: %d %s", status, body)
		}
		if status, body := fetch(t, p.base+"/metrics"); status != http.StatusOK || !strings.Contains(body, "go_goroutines") {
			t.Errorf("metrics: %d", status)
		}
	}
	for _, p := range workers {
		if status, _ := fetch(t, p.base+"/api/version"); status != http.StatusNotFound {
			t.Errorf("a worker serves the API: %d", status)
		}
		if err := p.stop(); err != nil {
			t.Errorf("stopping a worker: %v\n%s", err, p.log)
		}
	}
}

func fetch(t *testing.T, url string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // a body that was read
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}
