package orchestrator_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
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
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/orchestrator"
	"github.com/millrace/millrace/internal/engine/timetable"
	"github.com/millrace/millrace/internal/fault"
	kind "github.com/millrace/millrace/internal/kind/orchestrator"
	"github.com/millrace/millrace/internal/kind/sequence"
	kindsync "github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/secret"
	"github.com/uptrace/bun"
)

// runner notes which sequences are started.
type runner struct {
	mu      sync.Mutex
	started []string
}

func (r *runner) Standing(context.Context, bun.Tx, int64, int64) (timetable.Standing, error) {
	return timetable.Standing{}, nil
}

func (r *runner) Missing(context.Context, int64, resource.Document) (string, error) { return "", nil }

func (r *runner) Start(_ context.Context, _ bun.Tx, _ int64, d resource.Document) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = append(r.started, d.Slug)
	return nil
}

// vendor stands in for dbt Cloud and Fivetran.
type vendor struct {
	mu      sync.Mutex
	runs    map[string]string // by job
	status  int
	hooks   []map[string]any
	removed []string
	deny    string // what Fivetran says against a webhook
	tried   func(hook map[string]any)
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key, word, _ := r.BasicAuth()
	switch {
	case v.status != 0:
		w.WriteHeader(v.status)
	case r.URL.Path == "/api/v2/accounts/7/runs/" && r.Header.Get("Authorization") == "Token t0ken":
		fmt.Fprintf(w, `{"data": [%s]}`, v.runs[r.FormValue("job_definition_id")])
	case r.URL.Path == "/api/v2/accounts/7/jobs/" && r.Header.Get("Authorization") == "Token t0ken":
		_, _ = io.WriteString(w, `{"data": [{"id": 1, "name": "Nightly"}, {"id": 2, "name": "Hourly"}]}`) //nolint:errcheck // a test
	case key != "key" || word != "s3cret":
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"code": "AuthFailed", "message": "Invalid authorization credentials"}`) //nolint:errcheck // a test
	case v.deny != "":
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"code": "Forbidden", "message": %q}`, v.deny)
	case r.URL.Path == "/v1/webhooks/account" && r.Method == http.MethodPost:
		hook := map[string]any{}
		_ = json.NewDecoder(r.Body).Decode(&hook) //nolint:errcheck // a test
		v.hooks = append(v.hooks, hook)
		if v.tried != nil {
			v.tried(hook)
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"code": "Success", "data": {"id": "hook-%d"}}`, len(v.hooks))
	case strings.HasPrefix(r.URL.Path, "/v1/webhooks/") && r.Method == http.MethodDelete:
		v.removed = append(v.removed, strings.TrimPrefix(r.URL.Path, "/v1/webhooks/"))
		_, _ = io.WriteString(w, `{"code": "Success"}`) //nolint:errcheck // a test
	case r.URL.Path == "/v1/connections":
		page := `{"data": {"items": [{"id": "a_b", "service": "postgres", "schema": "shop"}], "next_cursor": "n"}}`
		if r.FormValue("cursor") == "n" {
			page = `{"data": {"items": [{"id": "c_d", "service": "stripe", "schema": "pay"}]}}`
		}
		_, _ = io.WriteString(w, page) //nolint:errcheck // a test
	case r.URL.Path == "/v1/transformations":
		_, _ = io.WriteString(w, `{"data": {"items": [{"id": "e_f", "type": "DBT_CORE", "transformation_config": {"name": "marts"}}]}}`) //nolint:errcheck // a test
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

type world struct {
	t      *testing.T
	now    *clock.Manual
	docs   *resource.Store
	engine *orchestrator.Engine
	times  *timetable.Timetable
	runner *runner
	vendor *vendor
	url    string
}

var scope = resource.Scope{WorkspaceID: 1, Actor: "ada@example.com"}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		key, err := secret.NewKey(make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		now := clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
		task := resource.Define("sync", "syncs", func(*struct{}, func(string) bool) fault.Issues { return nil }, func(*struct{}) []resource.Ref { return nil }, nil)
		docs := resource.NewStore(d, resource.NewRegistry(kind.Kind(), task, sequence.Kind()), key, now)
		w := &world{t: t, now: now, docs: docs, runner: &runner{}, vendor: &vendor{runs: map[string]string{}}}
		server := httptest.NewServer(w.vendor)
		t.Cleanup(server.Close)
		w.url = server.URL
		log := slog.New(slog.DiscardHandler)
		w.times = timetable.New(timetable.Options{DB: d, Documents: docs, Clock: now, Log: log, Runners: map[string]timetable.Runner{"sequence": w.runner}})
		state := connector.Memory()
		w.engine = orchestrator.New(orchestrator.Options{
			DB: d, Documents: docs, Timetable: w.times, Clock: now, Log: log, Public: func() string { return "https://millrace.example.com" },
			State: func(int64, int64) connector.State { return state },
		})
		w.create("sync", "s", struct{}{})
		f(t, w)
	})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) create(kind, slug string, spec any) resource.Document {
	w.t.Helper()
	text, err := json.Marshal(spec)
	w.must(err)
	d, err := w.docs.Create(w.t.Context(), scope, kind, resource.Write{Name: slug, Slug: slug, Spec: text})
	w.must(err)
	return d
}

// sequence makes a sequence that waits for jobs.
func (w *world) sequence(slug, typ, of string, change func(*sequence.Spec), jobs ...string) resource.Document {
	w.t.Helper()
	s := sequence.Spec{Steps: []sequence.Step{{Sync: "s"}}, Schedule: kindsync.Schedule{Type: typ, After: &kindsync.After{Orchestrator: of, Jobs: jobs}}}
	if change != nil {
		change(&s)
	}
	d := w.create("sequence", slug, s)
	w.times.Tick(w.t.Context())
	return d
}

// started looks at the timetable, and returns and forgets what it started.
func (w *world) started() string {
	w.t.Helper()
	w.now.Advance(time.Second)
	w.times.Tick(w.t.Context())
	w.runner.mu.Lock()
	defer w.runner.mu.Unlock()
	slices.Sort(w.runner.started)
	all := strings.Join(w.runner.started, " ")
	w.runner.started = nil
	return all
}

func (w *world) starts(want string) {
	w.t.Helper()
	if got := w.started(); got != want {
		w.t.Errorf("%q is started, want %q", got, want)
	}
}

// sweep looks at dbt Cloud, where a job has the runs.
func (w *world) sweep(job, runs string) {
	w.t.Helper()
	w.vendor.mu.Lock()
	w.vendor.runs[job] = runs
	w.vendor.mu.Unlock()
	w.engine.Sweep(w.t.Context())
}

func (w *world) cloud() resource.Document {
	w.t.Helper()
	return w.create(kind.KindName, "cloud", kind.Spec{Type: kind.DBTCloud, Configuration: map[string]any{"baseUrl": w.url, "accountId": "7", "token": "t0ken"}})
}

// What waits for a job of dbt Cloud runs when the job has succeeded, once, and not when it failed or had run before.
//
// Req: DBT-07
func TestCloud(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		d := w.cloud()
		w.sequence("one", kindsync.ScheduleDBTCloud, "cloud", nil, "1")
		w.sequence("off", kindsync.ScheduleDBTCloud, "cloud", func(s *sequence.Spec) { s.Disabled = true }, "1")
		later := w.now.Now().Add(time.Hour)
		w.sequence("later", kindsync.ScheduleDBTCloud, "cloud", func(s *sequence.Spec) { s.Schedule.Start = &later }, "1")
		w.sequence("two", kindsync.ScheduleDBTCloud, "cloud", nil, "2")
		w.sweep("1", `{"id": 10, "status": 10}, {"id": 9, "status": 10}`)
		w.starts("") // they ran before anybody looked
		w.sweep("1", `{"id": 12, "status": 3}, {"id": 11, "status": 20}, {"id": 10, "status": 10}`)
		w.starts("")
		w.sweep("1", `{"id": 12, "status": 10}, {"id": 11, "status": 20}`)
		w.starts("one")
		w.sweep("1", `{"id": 12, "status": 10}`)
		w.starts("")
		w.sweep("1", `{"id": 15, "status": 30}, {"id": 14, "status": 10}, {"id": 13, "status": 10}`)
		w.starts("one")
		w.now.Advance(time.Hour)
		w.sweep("1", `{"id": 16, "status": 10}`)
		w.starts("later one")
		w.vendor.status = http.StatusInternalServerError
		w.sweep("1", `{"id": 17, "status": 10}`)
		w.starts("")
		if s, err := w.engine.Look(t.Context(), 1, d); err != nil || !strings.Contains(s.Failure, "500") || !s.Checked.Equal(w.now.Now().Add(-time.Second)) {
			t.Errorf("it stands at %+v, %v", s, err)
		}
		w.vendor.status = 0
		w.sweep("1", `{"id": 17, "status": 10}`)
		w.starts("later one")
		if s, err := w.engine.Look(t.Context(), 1, d); err != nil || s.Failure != "" {
			t.Errorf("it stands at %+v, %v", s, err)
		}
		jobs, err := w.engine.Jobs(t.Context(), 1, "cloud")
		if err != nil || len(jobs) != 2 || jobs[0] != (orchestrator.Job{ID: "1", Label: "Nightly"}) {
			t.Errorf("jobs: %+v, %v", jobs, err)
		}
	})
}

// A job that could not be asked for at first starts nothing for what it did before.
//
// Req: DBT-07
func TestCloudFirstLookFails(t *testing.T) {
	t.Parallel()
	each(t, func(_ *testing.T, w *world) {
		w.cloud()
		w.sequence("one", kindsync.ScheduleDBTCloud, "cloud", nil, "1")
		w.vendor.status = http.StatusBadGateway
		w.sweep("1", `{"id": 10, "status": 10}`)
		w.vendor.status = 0
		w.sweep("1", `{"id": 10, "status": 10}`)
		w.starts("")
		w.sweep("1", `{"id": 11, "status": 10}`)
		w.starts("one")
	})
}

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
}

// Fivetran tells by a signed webhook, which connecting makes. What waits for several jobs runs when all have succeeded.
//
// Req: ORC-01
func TestFivetran(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		d := w.create(kind.KindName, "five", kind.Spec{Type: kind.Fivetran, Configuration: map[string]any{"baseUrl": w.url, "apiKey": "key", "apiSecret": "s3cret"}})
		waits := w.sequence("both", kindsync.ScheduleFivetran, "five", nil, "a_b", "e_f")
		w.sequence("one", kindsync.ScheduleFivetran, "five", nil, "a_b")
		hear := func(secret, body string) error {
			return w.engine.Hear(t.Context(), 1, d.UUID, []byte(body), sign(secret, body))
		}
		if err := hear("", `{"event":"test"}`); !fault.Is(err, fault.CodeSignature) {
			t.Errorf("before it is connected: %v", err)
		}
		w.vendor.deny = "access denied. Required permission: ACCOUNT_SECURITY_MANAGE"
		_, err := w.engine.Connect(t.Context(), 1, "five")
		if !fault.Is(err, fault.CodeOrchestrator) || !strings.Contains(err.Error(), "ACCOUNT_SECURITY_MANAGE") || !strings.Contains(fault.As(err).Suggestion, "Account Administrator") {
			t.Errorf("without the right: %v", err)
		}
		w.vendor.deny = ""
		var tried error
		w.vendor.tried = func(hook map[string]any) { tried = hear(hook["secret"].(string), `{"event":"test"}`) }
		id, err := w.engine.Connect(t.Context(), 1, "five")
		if err != nil || id != "hook-1" || tried != nil {
			t.Fatalf("connecting: %q, %v; Fivetran tries it and gets %v", id, err, tried)
		}
		hook := w.vendor.hooks[0]
		if hook["url"] != "https://millrace.example.com/api/hooks/fivetran/1/"+d.UUID || len(hook["secret"].(string)) != 64 || hook["active"] != true {
			t.Errorf("the webhook: %v", hook)
		}
		key := hook["secret"].(string)
		end := func(job, status string) string {
			return fmt.Sprintf(`{"event":"sync_end","connector_id":%q,"data":{"status":%q}}`, job, status)
		}
		w.must(hear(key, end("a_b", "FAILURE")))
		w.starts("")
		if err := hear("another", end("a_b", "SUCCESSFUL")); !fault.Is(err, fault.CodeSignature) {
			t.Errorf("another signature: %v", err)
		}
		if err := w.engine.Hear(t.Context(), 2, d.UUID, []byte("{}"), sign(key, "{}")); !fault.Is(err, fault.CodeSignature) {
			t.Errorf("another workspace: %v", err)
		}
		w.starts("")
		w.must(hear(key, end("a_b", "SUCCESSFUL")))
		w.starts("one")
		w.must(hear(key, end("a_b", "SUCCESSFUL")))
		w.starts("one")
		if done, err := w.engine.Done(t.Context(), waits.ID); err != nil || strings.Join(done, " ") != "a_b" {
			t.Errorf("done: %v, %v", done, err)
		}
		w.must(hear(key, `{"event":"dbt_run_succeeded","data":{"dbtJobId":"e_f"}}`))
		w.starts("both")
		w.must(hear(key, `{"event":"dbt_run_succeeded","data":{"dbtJobId":"e_f"}}`))
		w.starts("")
		w.must(hear(key, end("c_d", "SUCCESSFUL")))
		w.starts("")
		if s, err := w.engine.Look(t.Context(), 1, d); err != nil || s.Webhook != "hook-1" {
			t.Errorf("it stands at %+v, %v", s, err)
		}
		if id, err := w.engine.Connect(t.Context(), 1, "five"); err != nil || id != "hook-2" || strings.Join(w.vendor.removed, " ") != "hook-1" {
			t.Errorf("again: %q, %v; removed %v", id, err, w.vendor.removed)
		}
		if err := hear(key, end("a_b", "SUCCESSFUL")); !fault.Is(err, fault.CodeSignature) {
			t.Errorf("the earlier secret: %v", err)
		}
		jobs, err := w.engine.Jobs(t.Context(), 1, "five")
		if want := "[{a_b shop postgres} {c_d pay stripe} {e_f marts DBT_CORE}]"; err != nil || fmt.Sprint(jobs) != want {
			t.Errorf("jobs: %v, %v", jobs, err)
		}
	})
}
