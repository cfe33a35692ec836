package monitor_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/monitor"
	"github.com/millrace/millrace/internal/fault"
	kind "github.com/millrace/millrace/internal/kind/monitor"
	"github.com/uptrace/bun"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// datadog is a server that answers as Datadog does, and keeps what it got.
type datadog struct {
	*httptest.Server

	mu     sync.Mutex
	status int
	got    []string // paths and bodies
}

func newDatadog(t *testing.T) *datadog {
	d := &datadog{status: http.StatusAccepted}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Header.Get("DD-API-KEY") != "the-api-key" {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"errors":["Forbidden"]}`) //nolint:errcheck // a test's server
			return
		}
		d.got = append(d.got, r.Method+" "+r.URL.Path+" "+string(body))
		if d.status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "90")
		}
		w.WriteHeader(d.status)
		_, _ = io.WriteString(w, `{"errors":[]}`) //nolint:errcheck // a test's server
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *datadog) answers(status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status = status
}

func (d *datadog) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	got := d.got
	d.got = nil
	return got
}

func (d *datadog) spec(more ...any) kind.Spec {
	c := map[string]any{"apiKey": "the-api-key", "baseUrl": d.URL}
	for i := 0; i < len(more); i += 2 {
		c[more[i].(string)] = more[i+1]
	}
	return kind.Spec{Type: kind.Datadog, Configuration: c}
}

func sender(t *testing.T) *monitor.DatadogSender {
	s, err := monitor.NewDatadog(monitor.Options{Public: "https://millrace.example.com", Clock: clock.NewManual(noon)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var report = monitor.Report{
	Workspace: "main", Sync: "people", Name: "People to the shop", Run: 7, Status: monitor.Warning, Words: "Completed with errors: 40 rows arrived, 2 were refused.",
	EndedAt: noon, Query: 1500 * time.Millisecond, Execution: 2 * time.Second, Path: "/syncs/people/runs/7",
	Rows: []monitor.Rows{{Operation: "added", Success: true, Count: 40}, {Operation: "changed", Success: false, Count: 2}},
}

// Metrics and the event of a run arrive with their names, types and tags.
//
// Req: MON-01, MON-02, MON-03
func TestDatadog(t *testing.T) {
	t.Parallel()
	d := newDatadog(t)
	if err := sender(t).Send(t.Context(), d.spec("tags", []any{"env:test"}, "prefix", "acme"), report); err != nil {
		t.Fatal(err)
	}
	got := d.take()
	if len(got) != 2 || !strings.HasPrefix(got[0], "POST /api/v2/series ") || !strings.HasPrefix(got[1], "POST /api/v1/events ") {
		t.Fatalf("%q", got)
	}
	var series struct {
		Series []struct {
			Metric string
			Type   int
			Points []struct {
				Timestamp int64
				Value     float64
			}
			Tags []string
		}
	}
	if err := json.Unmarshal([]byte(strings.SplitN(got[0], " ", 3)[2]), &series); err != nil {
		t.Fatal(err)
	}
	want := []struct {
		name  string
		kind  int
		value float64
		tags  string
	}{
		{"acme.sync.row_processed", 1, 40, "op:added success:true"}, {"acme.sync.row_processed", 1, 2, "op:changed success:false"},
		{"acme.sync.complete", 1, 1, "status:warning"}, {"acme.sync.query_time", 3, 1.5, ""}, {"acme.sync.execution_time", 3, 2, ""}, {"acme.sync.total_time", 3, 3.5, ""},
	}
	if len(series.Series) != len(want) {
		t.Fatalf("%d metrics, want %d: %s", len(series.Series), len(want), got[0])
	}
	for i, w := range want {
		m := series.Series[i]
		tags := strings.Join(m.Tags, " ")
		if m.Metric != w.name || m.Type != w.kind || m.Points[0].Value != w.value || m.Points[0].Timestamp != noon.Unix() || tags != strings.TrimSpace("sync:people workspace:main env:test "+w.tags) {
			t.Errorf("metric %d is %+v, want %+v", i, m, w)
		}
	}
	for _, part := range []string{`"title":"acme.sync.complete: People to the shop, warning"`, `https://millrace.example.com/syncs/people/runs/7`, `"alert_type":"warning"`, `"status:warning"`} {
		if !strings.Contains(got[1], part) {
			t.Errorf("the event lacks %s: %s", part, got[1])
		}
	}
	cancelled := report
	cancelled.Status = monitor.Cancelled
	if err := sender(t).Send(t.Context(), d.spec(), cancelled); err != nil {
		t.Fatal(err)
	}
	if got := d.take(); !strings.Contains(got[0], `"status:cancelled"`) || !strings.Contains(got[1], `"status:canceled"`) || !strings.Contains(got[0], `"millrace.sync.complete"`) {
		t.Errorf("a cancelled run: %q", got)
	}
	if err := sender(t).Send(t.Context(), d.spec("events", false), report); err != nil || len(d.take()) != 1 {
		t.Errorf("without events: %v", err)
	}
}

// A wrong key is told as such, and not repeated; the test sends nothing.
//
// Req: MON-01
func TestDatadogKey(t *testing.T) {
	t.Parallel()
	d := newDatadog(t)
	if err := sender(t).Test(t.Context(), d.spec()); err != nil || !slices.Equal(d.take(), []string{"GET /api/v1/validate "}) {
		t.Errorf("testing a key: %v", err)
	}
	err := sender(t).Test(t.Context(), d.spec("apiKey", "an-application-key"))
	if f := fault.As(err); f == nil || f.Code != fault.CodeNoticeAuth || !strings.Contains(f.Hint(), "application key") || strings.Contains(err.Error()+f.Hint(), "an-application-key") {
		t.Errorf("a wrong key: %v", err)
	}
}

// world is a workspace with a monitor, and runs that end.
type world struct {
	t     *testing.T
	db    *db.DB
	clock *clock.Manual
	store *monitor.Store
	send  *monitor.Dispatcher
	spec  kind.Spec
}

func (w *world) Monitor(context.Context, int64, int64) (kind.Spec, error) { return w.spec, nil }

func newWorld(t *testing.T, d *db.DB, s kind.Spec) *world {
	w := &world{t: t, db: d, clock: clock.NewManual(noon), spec: s}
	w.store = monitor.NewStore(d, w.clock)
	w.send = &monitor.Dispatcher{Store: w.store, Monitors: w, Sender: sender(t), Log: slog.New(slog.DiscardHandler)}
	return w
}

func (w *world) document(id int64, kindName string, s kind.Spec) {
	w.t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = w.db.NewRaw(`INSERT INTO documents (id, uuid, workspace_id, kind, space, slug, name, spec, revision, created_at, updated_at, created_by, updated_by)
		VALUES (?, ?, 1, ?, ?, ?, 'x', ?, 1, 0, 0, 'test', 'test')`, id, kindName+string(rune('a'+id)), kindName, kindName, "d"+string(rune('a'+id)), string(text)).Exec(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) end(r monitor.Report) {
	w.t.Helper()
	err := w.db.InTx(w.t.Context(), func(ctx context.Context, tx bun.Tx) error {
		return w.store.Note(ctx, tx, 1, func(context.Context, bun.Tx) (monitor.Report, error) { return r, nil })
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) last(id int64) monitor.Status {
	w.t.Helper()
	s, _, err := w.store.Last(w.t.Context(), 1, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// A report is left for each monitor that is on, sent once, and again where that failed, until it is too old or trying
// cannot help.
//
// Req: MON-01
func TestReports(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		dd := newDatadog(t)
		w := newWorld(t, d, dd.spec())
		w.end(report)
		w.send.Sweep(t.Context())
		if got := dd.take(); len(got) != 0 {
			t.Errorf("without a monitor: %q", got)
		}
		w.document(901, kind.KindName, w.spec)
		off := w.spec
		off.Disabled = true
		w.document(902, kind.KindName, off)
		w.end(report)
		w.send.Sweep(t.Context())
		w.send.Sweep(t.Context())
		if got, s := dd.take(), w.last(901); len(got) != 2 || s.State != "sent" || s.Attempts != 1 {
			t.Errorf("%d requests, %+v", len(got), s)
		}
		if _, found, err := w.store.Last(t.Context(), 1, 902); found || err != nil {
			t.Errorf("a monitor that is off has a report: %v", err)
		}
		w.retries(dd)
		w.spec = dd.spec("apiKey", "wrong")
		w.end(report)
		w.send.Sweep(t.Context())
		if s := w.last(901); s.State != "failed" || s.Attempts != 1 || !strings.Contains(s.Error, "Forbidden") {
			t.Errorf("a wrong key: %+v", s)
		}
		w.forgets()
	})
}

// retries lets Datadog be away for a while, and for too long.
func (w *world) retries(dd *datadog) {
	w.t.Helper()
	dd.answers(http.StatusTooManyRequests)
	w.end(report)
	w.send.Sweep(w.t.Context())
	if s := w.last(901); s.State != "pending" || !s.NextAt.Equal(w.clock.Now().Add(90*time.Second)) {
		w.t.Errorf("throttled: %+v", s)
	}
	dd.answers(http.StatusAccepted)
	w.clock.Advance(90 * time.Second)
	w.send.Sweep(w.t.Context())
	if s := w.last(901); s.State != "sent" || s.Attempts != 2 {
		w.t.Errorf("after throttling: %+v", s)
	}
	dd.answers(http.StatusInternalServerError)
	w.end(report)
	for range 20 {
		w.send.Sweep(w.t.Context())
		w.clock.Advance(10 * time.Minute)
	}
	if s := w.last(901); s.State != "failed" || s.Error == "" {
		w.t.Errorf("away for hours: %+v", s)
	}
	dd.answers(http.StatusAccepted)
	dd.take()
}

func (w *world) forgets() {
	w.t.Helper()
	w.clock.Advance(31 * 24 * time.Hour)
	if err := w.store.Expire(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if _, found, err := w.store.Last(w.t.Context(), 1, 901); found || err != nil {
		w.t.Errorf("old reports are left: %v", err)
	}
	w.end(report)
	err := w.db.InTx(w.t.Context(), func(ctx context.Context, tx bun.Tx) error { return w.store.Forget(ctx, tx, 901) })
	if _, found, err2 := w.store.Last(w.t.Context(), 1, 901); found || err != nil || err2 != nil {
		w.t.Errorf("reports of a deleted monitor are left: %v %v", err, err2)
	}
}
