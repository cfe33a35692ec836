package telemetry_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/telemetry"
	"go.opentelemetry.io/otel"
)

// Spans reach the collector that is configured.
func TestTraces(t *testing.T) {
	got := make(chan string, 8)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- r.Method + " " + r.URL.Path + " " + string(body)
	}))
	t.Cleanup(collector.Close)
	flush, err := telemetry.Traces(t.Context(), collector.URL+"/v1/traces")
	if err != nil {
		t.Fatal(err)
	}
	_, span := otel.Tracer("test").Start(t.Context(), "a span of the test")
	span.End()
	if err := flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sent := <-got; !strings.HasPrefix(sent, "POST /v1/traces ") || !strings.Contains(sent, "a span of the test") {
		t.Errorf("the collector got %.80q", sent)
	}
}

// Readiness names what fails, and nothing more.
func TestReady(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
		body   string
	}{{nil, 200, `{"database":"ok"}`}, {errors.New("password=secret"), 503, `{"database":"failing"}`}} {
		w := httptest.NewRecorder()
		h := telemetry.Ready([]telemetry.Check{{Name: "database", Run: func(context.Context) error { return c.err }}})
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", http.NoBody))
		if w.Code != c.status || strings.TrimSpace(w.Body.String()) != c.body {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

// Metrics count requests by route, and runs and rows by what became of them, also in the form of OpenMetrics.
//
// Req: MON-02
func TestMetrics(t *testing.T) {
	t.Parallel()
	m := telemetry.NewMetrics()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /things/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	mux.Handle("GET /metrics", m.Handler())
	h := m.Measure(mux)
	ask := func(path string) string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		return w.Body.String()
	}
	ask("/things/17")
	people := telemetry.Sync{Workspace: "main", Slug: "people"}
	m.Run(people, "success", time.Second, 3*time.Second)
	m.Rows(people, "added", "succeeded", 42)
	text := ask("/metrics")
	open := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
	open.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, open)
	if body := w.Body.String(); !strings.HasPrefix(w.Header().Get("Content-Type"), "application/openmetrics-text") || !strings.HasSuffix(body, "# EOF\n") {
		t.Errorf("OpenMetrics is not what comes: %s", w.Header().Get("Content-Type"))
	}
	for _, want := range []string{
		`millrace_http_request_seconds_count{method="GET",route="GET /things/{id}",status="418"} 1`,
		`millrace_sync_runs_total{status="success",sync="people",workspace="main"} 1`,
		`millrace_sync_rows_total{operation="added",outcome="succeeded",sync="people",workspace="main"} 42`,
		`millrace_sync_phase_seconds_total{phase="execution",sync="people",workspace="main"} 3`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// The log has a level and a form.
func TestLogger(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	l := telemetry.Logger(&b, "json", "warn")
	l.Info("quiet")
	l.Warn("loud", slog.Int64("run", 7))
	if !strings.HasPrefix(b.String(), "{") || strings.Contains(b.String(), "quiet") || !strings.Contains(b.String(), `"run":7`) {
		t.Error(b.String())
	}
}
