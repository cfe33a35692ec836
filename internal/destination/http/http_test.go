package httprequest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/destinationtest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/value"
)

// api is a server that keeps rows: POST /rows takes them, POST /remove removes them, and a row with the value
// "refuse me" makes it refuse the request.
type api struct {
	*httptest.Server

	mu   sync.Mutex
	rows []destinationtest.Record
}

func newAPI(t *testing.T) *api {
	t.Helper()
	a := &api{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /rows", a.take)
	mux.HandleFunc("POST /remove", a.remove)
	mux.HandleFunc("GET /denied", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "who are you?", http.StatusUnauthorized) })
	mux.HandleFunc("GET /broken", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "out of order", http.StatusInternalServerError)
	})
	a.Server = httptest.NewServer(mux)
	t.Cleanup(a.Close)
	return a
}

func parseRows(r *http.Request) ([]destinationtest.Record, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, err
		}
		rec := destinationtest.Record{}
		for name, values := range form {
			rec[name] = value.OfText(values[0])
		}
		return []destinationtest.Record{rec}, nil
	}
	v, err := value.ParseJSON(string(body))
	if err != nil {
		return nil, err
	}
	items := v.List()
	if v.Kind() == value.Map {
		items = []value.Value{v}
	}
	rows := make([]destinationtest.Record, len(items))
	for i, item := range items {
		rows[i] = destinationtest.Record{}
		for _, f := range item.Fields() {
			rows[i][f.Name] = f.Value
		}
	}
	return rows, nil
}

func (a *api) take(w http.ResponseWriter, r *http.Request) {
	rows, err := parseRows(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, row := range rows {
		if row["value"].String() == "refuse me" {
			http.Error(w, "the value is not wanted here", http.StatusUnprocessableEntity)
			return
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rows = append(a.rows, rows...)
}

func (a *api) remove(w http.ResponseWriter, r *http.Request) {
	gone, err := parseRows(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var kept []destinationtest.Record
	for _, row := range a.rows {
		if !contains(gone, row["id"]) {
			kept = append(kept, row)
		}
	}
	a.rows = kept
}

func contains(rows []destinationtest.Record, id value.Value) bool {
	for _, r := range rows {
		if r["id"].Equal(id) {
			return true
		}
	}
	return false
}

func (a *api) read(*testing.T) []destinationtest.Record {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]destinationtest.Record(nil), a.rows...)
}

// TestConformance runs the suite once for each way to write a body.
//
// Req: SY-24, SY-25, SY-40, SY-74, SY-78, FLD-32
func TestConformance(t *testing.T) {
	t.Parallel()
	omitted := func(a destinationtest.Arrival) func(connector.TargetColumn, value.Value) destinationtest.Arrival {
		return func(c connector.TargetColumn, v value.Value) destinationtest.Arrival {
			if v.IsNull() && c.Omit {
				return a
			}
			return inJSON(v)
		}
	}
	absent := omitted(destinationtest.Arrival{Absent: true})
	for name, c := range map[string]struct {
		settings map[string]any
		arrival  func(connector.TargetColumn, value.Value) destinationtest.Arrival
	}{
		"mapped":       {map[string]any{"body": "mapped"}, absent},
		"mapped batch": {map[string]any{"body": "mapped", "rows": "batch", "batchSize": 10}, absent},
		"template":     {map[string]any{"body": "json", "json": `{"id": "{{ row.id }}", "value": {{ row.value | json }}}`}, omitted(destinationtest.As(value.Value{}))},
		"template batch": {map[string]any{
			"body": "json", "rows": "batch", "json": `[{% for row in rows %}{"id": "{{ row.id }}", "value": {{ row.value | json }}},{% endfor %}]`,
		}, omitted(destinationtest.As(value.Value{}))},
		"template in quotes": {map[string]any{"body": "json", "json": `{"id": "{{ row.id }}", "value": "{{ row.value }}"}`}, printed},
		"form":               {map[string]any{"body": "form", "form": []any{map[string]any{"name": "id", "value": "{{ row.id }}"}, map[string]any{"name": "value", "value": "{{ row.value }}"}}}, printed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, fixture(t, c.settings, c.arrival))
		})
	}
}

// inJSON is what becomes of a value in JSON.
func inJSON(v value.Value) destinationtest.Arrival {
	switch v.Kind() { //nolint:exhaustive // the others arrive as they are
	case value.Bytes, value.Time, value.Day:
		return destinationtest.Text(v)
	default:
		return destinationtest.As(v)
	}
}

// printed is what becomes of a value that is printed as text.
func printed(_ connector.TargetColumn, v value.Value) destinationtest.Arrival {
	switch v.Kind() { //nolint:exhaustive // the others are printed as texts
	case value.List, value.Map, value.JSON:
		return destinationtest.Arrival{Skip: true}
	default:
		return destinationtest.Text(v)
	}
}

func fixture(t *testing.T, added map[string]any, arrival func(connector.TargetColumn, value.Value) destinationtest.Arrival) destinationtest.Fixture {
	t.Helper()
	shared := newAPI(t)
	for k, v := range map[string]any{"enabled": true, "url": "/rows", "rateLimit": 0, "concurrency": 4, "split": true} {
		if _, single := added["rows"]; k != "split" || single {
			added[k] = v
		}
	}
	return destinationtest.Fixture{
		Info: Info(httpx.AnyNetwork), Arrival: arrival, Removes: true,
		Target: func(t *testing.T, columns []connector.TargetColumn) destinationtest.Target {
			a := newAPI(t)
			job := connector.SyncJob{
				SyncID: 7, RunID: 42, Type: "request", Mode: connector.ModeTrigger, Columns: columns,
				Settings: connector.Settings{"added": added, "removed": map[string]any{
					"enabled": true, "method": "POST", "url": "/remove", "body": "mapped", "rows": "batch", "rateLimit": 0, "split": true,
				}},
			}
			for _, c := range columns {
				job.Model.Schema = append(job.Model.Schema, value.Column{Name: c.From, Type: c.Type, Nullable: true})
			}
			return destinationtest.Target{Settings: connector.Settings{"baseUrl": a.URL, "auth": "bearer", "token": "a-secret-token"}, Job: job, Read: a.read}
		},
		Failing: []destinationtest.Failing{
			{Name: "no server", Settings: connector.Settings{"baseUrl": "http://127.0.0.1:1"}, Code: fault.CodeDestinationUnreachable, Says: "refused"},
			{Name: "denied", Settings: connector.Settings{"baseUrl": shared.URL, "testPath": "denied", "auth": "basic", "username": "u", "password": "pass-word"}, Code: fault.CodeDestinationAuth, Says: "who are you?"},
			{Name: "broken", Settings: connector.Settings{"baseUrl": shared.URL + "/broken"}, Code: fault.CodeDestinationRejected, Says: "out of order"},
			{Name: "bad certificate", Settings: connector.Settings{"baseUrl": shared.URL, "caCertificate": "x"}, Code: fault.CodeInvalid, Says: "PEM"},
			{Name: "no URL", Settings: connector.Settings{"baseUrl": "api.example.com"}, Code: fault.CodeInvalid, Says: "https://"},
		},
		Invalid: []destinationtest.Invalid{
			{Name: "no trigger", Edit: func(j *connector.SyncJob) { j.Settings = connector.Settings{} }, Paths: []string{"spec.settings.added"}},
			{Name: "template", Edit: func(j *connector.SyncJob) {
				j.Settings["added"] = map[string]any{"enabled": true, "url": "/{{"}
			}, Paths: []string{"spec.settings.added.url"}},
			{Name: "no mapping", Edit: func(j *connector.SyncJob) { j.Columns = nil }, Paths: []string{"spec.mappings"}},
			{Name: "base URL", Settings: connector.Settings{"baseUrl": "https://user:pass@api.example.com"}, Paths: []string{"spec.configuration.baseUrl"}},
		},
		Refused: []destinationtest.Refused{{
			Name: "unwanted", Column: connector.TargetColumn{Name: "value", From: "value", Type: value.TypeString},
			Value: value.OfText("refuse me"), Says: "not wanted here",
		}},
	}
}

// begin opens the destination and starts a run.
func begin(t testing.TB, network httpx.Network, configuration, settings connector.Settings) *session {
	t.Helper()
	info := Info(network)
	d, err := info.Open(connector.DestinationOptions{Settings: configuration.WithDefaults(info.Fields), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	job := connector.SyncJob{
		SyncID: 7, RunID: 42, Type: "request", Mode: connector.ModeTrigger, Settings: settings.WithDefaults(info.SyncTypes[0].Fields),
		Columns: []connector.TargetColumn{{Name: "id", From: "id"}}, Model: connector.ModelInfo{Schema: value.Schema{{Name: "id"}}},
	}
	s, err := d.Begin(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.(*session)
}

func oneRow(op connector.Operation) *connector.Batch {
	v := []value.Value{value.OfText("1")}
	return &connector.Batch{ID: "b1", Operation: op, Rows: []connector.Row{{Key: "1", Values: v, Source: v}}}
}

// TestLimits: each trigger has limits of its own, a little below what was asked for.
//
// Req: SY-75, SY-78
func TestLimits(t *testing.T) {
	t.Parallel()
	s := begin(t, httpx.AnyNetwork, connector.Settings{"baseUrl": "http://api.example.com"}, connector.Settings{
		"initial": "skip",
		"added": map[string]any{
			"enabled": true, "rows": "batch", "batchSize": 250, "rateLimit": 100, "rateWindow": "minute", "concurrency": 3, "retries": 7, "split": true,
			"url": "/{{ context.operation }}",
		},
		"removed": map[string]any{"enabled": true, "rateLimit": 1, "rateWindow": "hour", "retry": "next_run"},
		"changed": map[string]any{"enabled": true, "rateLimit": 0, "method": "PATCH", "idempotencyHeader": "X-Key", "split": true},
	})
	all := []connector.Operation{connector.Removed, connector.Changed, connector.Added}
	for op, want := range map[connector.Operation]connector.Limits{
		connector.Added: {
			Rows: 250, Concurrency: 3, Rates: []connector.Rate{{Requests: 98, Window: time.Minute}}, Idempotency: connector.NotIdempotent, Split: true,
			Retry: connector.RetryPolicy{Attempts: 8},
		},
		connector.Removed: {
			Rows: 1, Concurrency: 100, Rates: []connector.Rate{{Requests: 1, Window: time.Hour}}, Idempotency: connector.Idempotent,
			Retry: connector.RetryPolicy{Attempts: 1},
		},
		connector.Changed: {Rows: 1, Concurrency: 100, Idempotency: connector.Keyed, Retry: connector.RetryPolicy{Attempts: 4}},
	} {
		want.Bytes, want.WaitOut, want.OneKind, want.Operations, want.NeedSource, want.SkipInitial = maxBytes, true, true, all, true, true
		if got := s.LimitsOf(op); fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s:\n got %+v\nwant %+v", op, got, want)
		}
	}
	got := s.Limits()
	if got.Rows != 1 || got.Concurrency != 3 || len(got.Rates) != 2 || got.Split || got.Idempotency != connector.NotIdempotent || got.Retry.Attempts != 1 || len(got.Operations) != 3 {
		t.Errorf("all together: %+v", got)
	}
}

// TestDefaults: 1000 requests a second or 100 at once, one row each, no need for whole rows.
func TestDefaults(t *testing.T) {
	t.Parallel()
	s := begin(t, httpx.AnyNetwork, connector.Settings{"baseUrl": "http://api.example.com"}, connector.Settings{"added": map[string]any{"enabled": true}})
	l := s.Limits()
	if l.Rows != 1 || l.Concurrency != 100 || len(l.Rates) != 1 || l.Rates[0] != (connector.Rate{Requests: 980, Window: time.Second}) ||
		l.Retry.Attempts != 4 || l.NeedSource || l.SkipInitial || l.Split || len(l.Operations) != 1 || l.Operations[0] != connector.Added {
		t.Errorf("%+v", l)
	}
	s = begin(t, httpx.AnyNetwork, connector.Settings{"baseUrl": "http://api.example.com"}, connector.Settings{"added": map[string]any{"enabled": true, "rows": "batch"}})
	if got := s.Limits().Rows; got != 100 {
		t.Errorf("a batch has %d rows", got)
	}
}

// TestTimeout: an answer that does not come leaves the rows in doubt.
//
// Req: SY-76
func TestTimeout(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-done:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(done)
	s := begin(t, httpx.AnyNetwork, connector.Settings{"baseUrl": server.URL}, connector.Settings{"added": map[string]any{"enabled": true, "timeout": 1}})
	b := oneRow(connector.Added)
	_, err := s.Write(t.Context(), b)
	if !fault.Is(err, fault.CodeDestinationTimeout) || fault.ClassOf(err) != fault.Unknown || !strings.Contains(err.Error(), "1s") {
		t.Errorf("got %v", err)
	}
	if len(b.Exchanges) != 1 || b.Exchanges[0].Error == "" || b.Exchanges[0].RequestBody != `{"id":"1"}` {
		t.Errorf("recorded %+v", b.Exchanges)
	}
}

// TestDisabledOperation: the engine is told what is acted on; whoever sends something else is told so.
func TestDisabledOperation(t *testing.T) {
	t.Parallel()
	s := begin(t, httpx.AnyNetwork, connector.Settings{"baseUrl": "http://127.0.0.1:1"}, connector.Settings{"added": map[string]any{"enabled": true}})
	if _, err := s.Write(t.Context(), oneRow(connector.Removed)); !fault.Is(err, fault.CodeInvalid) {
		t.Errorf("got %v", err)
	}
}

// TestNetwork: the operator decides where requests may go.
func TestNetwork(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	s := begin(t, httpx.PublicOnly, connector.Settings{"baseUrl": a.URL}, connector.Settings{"added": map[string]any{"enabled": true, "url": "/rows"}})
	if _, err := s.Write(t.Context(), oneRow(connector.Added)); !fault.Is(err, fault.CodeDestinationDenied) || fault.ClassOf(err) != fault.Fatal {
		t.Errorf("got %v", err)
	}
	if len(a.read(t)) != 0 {
		t.Error("the request arrived")
	}
}

// TestListOptions offers the model's columns.
func TestListOptions(t *testing.T) {
	t.Parallel()
	d := &destination{}
	got, err := d.ListOptions(t.Context(), "columns", connector.SyncJob{Model: connector.ModelInfo{Schema: value.Schema{{Name: "a", Type: value.TypeNumber}}}})
	if err != nil || len(got) != 1 || got[0].Value != "a" || got[0].Help != "number" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := d.ListOptions(t.Context(), "other", connector.SyncJob{}); err == nil {
		t.Error("there is another list")
	}
}
