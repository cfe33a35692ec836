package audiencesize_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/state"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/destination"
	"github.com/millrace/millrace/internal/engine/audiencesize"
	"github.com/millrace/millrace/internal/httpx"
	kinddestination "github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	kindsync "github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/secret"
	"github.com/millrace/millrace/internal/source/duckdb"
	"github.com/millrace/millrace/internal/source/postgres"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

var scope = resource.Scope{WorkspaceID: 1, Actor: "test"}

// world is a server with a real warehouse, and a stand-in of an ad platform.
type world struct {
	t         testing.TB
	db        *db.DB
	dir       string
	now       *clock.Manual
	docs      *resource.Store
	registry  *connector.Registry
	state     *state.Store
	info      connector.SourceInfo
	warehouse connector.Warehouse // of the test
	settings  connector.Settings
	vendor    *vendor
	reporter  *audiencesize.Reporter
	members   map[int64]int64
	wrap      func(connector.Warehouse) connector.Warehouse // what the reporter sees
}

// vendor is what an ad platform answers; by the path, or else a text for everything.
type vendor struct {
	*httptest.Server

	mu      sync.Mutex
	answers map[string][]string // the pages of a path, in order; the last one is repeated
	status  int
	asked   int
	hold    func()
}

func newVendor(t testing.TB) *vendor {
	t.Helper()
	v := &vendor{answers: map[string][]string{}}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

// pages sets what a path answers from now on.
func (v *vendor) pages(path string, all ...string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.status, v.answers[path] = 0, all
}

// fail makes every request fail.
func (v *vendor) fail(status int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.status = status
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if v.hold != nil {
		v.hold()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	w.Header().Set("Content-Type", "application/json")
	if v.status != 0 {
		w.WriteHeader(v.status)
		_, _ = fmt.Fprint(w, `{"error": {"message": "the vendor rests", "code": 2, "is_transient": true}}`)
		return
	}
	all := v.answers[r.URL.Path]
	if len(all) == 0 {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = fmt.Fprint(w, all[0])
	if len(all) > 1 {
		v.answers[r.URL.Path] = all[1:]
	}
}

var warehouses = map[string]func(t testing.TB) (connector.SourceInfo, connector.Settings){"duckdb": duckDB, "postgres": postgreSQL}

func duckDB(t testing.TB) (connector.SourceInfo, connector.Settings) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "warehouse.duckdb")
	d, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.ExecContext(t.Context(), "CREATE SCHEMA millrace_planner"); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return duckdb.Info(duckdb.Reach{}), connector.Settings{"path": path}
}

func postgreSQL(t testing.TB) (connector.SourceInfo, connector.Settings) {
	t.Helper()
	u, err := url.Parse(services.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return postgres.Info(), connector.Settings{"host": u.Hostname(), "port": port, "database": u.Path[1:], "user": u.User.Username(), "sslMode": "disable"}
}

// each runs a test in both warehouses.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	for name := range warehouses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newWorld(t, dbtest.SQLite(t), name))
		})
	}
}

// eachStore runs a test of what does not depend on the warehouse on both databases of the server.
func eachStore(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, newWorld(t, d, "duckdb")) })
}

func newWorld(t testing.TB, d *db.DB, warehouse string) *world {
	t.Helper()
	w := &world{
		t: t, db: d, dir: t.TempDir(), now: clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)),
		vendor: newVendor(t), members: map[int64]int64{},
	}
	w.info, w.settings = warehouses[warehouse](t)
	w.registry = connector.New([]connector.SourceInfo{w.info}, destination.Manifests(httpx.AnyNetwork))
	key, err := secret.LoadKey("", w.dir)
	w.must(err)
	w.docs = resource.NewStore(d, resource.NewRegistry(source.Kind(w.registry), model.Kind(w.registry), kinddestination.Kind(w.registry), kindsync.Kind(w.registry)), key, w.now)
	w.state = state.NewStore(d, key, w.now)
	w.warehouse = w.open()
	t.Cleanup(func() { _ = w.warehouse.Close() }) //nolint:errcheck // the test is over
	w.reporter = w.process()
	w.reporter.Follow()
	w.create("source", "house", map[string]any{"type": w.info.Slug, "engine": "lightning", "configuration": w.settings})
	w.create("model", "people", map[string]any{"source": "house", "method": "sql", "sql": "SELECT 1 AS id, 'a@example.com' AS email", "primaryKey": "id"})
	return w
}

// process is another process over the same databases.
func (w *world) process() *audiencesize.Reporter {
	return &audiencesize.Reporter{
		DB: w.db, Documents: w.docs, Registry: w.registry, Destinations: w, Warehouses: w, Runs: w, Clock: w.now, Log: slog.New(slog.DiscardHandler),
	}
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

func (w *world) update(kind, slug string, spec any) error {
	w.t.Helper()
	text, err := json.Marshal(spec)
	w.must(err)
	_, err = w.docs.Update(w.t.Context(), scope, kind, slug, resource.Write{Name: slug, Spec: text})
	return err
}

// meta is a destination of the stand-in.
func (w *world) meta(account string, report bool) map[string]any {
	spec := map[string]any{"type": "meta", "configuration": map[string]any{"token": "secret-token", "adAccount": account, "baseUrl": w.vendor.URL}}
	if report {
		spec["audienceSizes"] = map[string]any{"enabled": true, "source": "house"}
	}
	return spec
}

// audience is a sync to an audience that exists.
func (w *world) audience(slug, destination, id, mode string) resource.Document {
	w.t.Helper()
	return w.create("sync", slug, map[string]any{
		"model": "people", "destination": destination, "type": "audience", "mode": mode, "settings": map[string]any{"choice": "existing", "audience": id},
		"mappings": []any{map[string]any{"to": "EMAIL", "from": "email"}}, "schedule": map[string]any{"type": "manual"},
	})
}

func (w *world) Destination(_ context.Context, workspaceID, id int64, spec kinddestination.Spec) (connector.Destination, error) {
	info, err := w.registry.Destination(spec.Type)
	if err != nil {
		return nil, err
	}
	return info.Open(connector.DestinationOptions{
		Settings: connector.Settings(spec.Configuration).WithDefaults(info.Fields), State: w.state.Of(workspaceID, "destination", id),
		Clock: w.now, Log: slog.New(slog.DiscardHandler),
	})
}

func (w *world) Job(_ context.Context, _ int64, doc resource.Document, info connector.DestinationInfo) (connector.SyncJob, error) {
	spec := doc.Spec.(*kindsync.Spec)
	kind, err := info.SyncType(spec.Type)
	if err != nil {
		return connector.SyncJob{}, err
	}
	return connector.SyncJob{
		SyncID: doc.ID, SyncSlug: doc.Slug, Type: kind.Slug, Mode: spec.Mode, Settings: connector.Settings(spec.Settings).WithDefaults(kind.Fields),
		Model: connector.ModelInfo{ID: 5, Name: "People", Slug: "people", PrimaryKey: "id"},
	}, nil
}

func (w *world) Warehouse(ctx context.Context, workspaceID, id int64) (connector.Warehouse, error) {
	if _, err := w.docs.GetByID(ctx, resource.Scope{WorkspaceID: workspaceID}, "source", id); err != nil {
		return nil, err
	}
	opened := w.open()
	if w.wrap != nil {
		opened = w.wrap(opened)
	}
	return opened, nil
}

func (w *world) open() connector.Warehouse {
	w.t.Helper()
	s, err := w.info.Open(connector.SourceOptions{Settings: w.settings.WithDefaults(w.info.Fields), Dir: filepath.Join(w.dir, "source")})
	w.must(err)
	return s.(connector.Warehouse)
}

func (w *world) Members(_ context.Context, _, syncID int64) (n int64, ok bool, err error) {
	n, ok = w.members[syncID]
	return n, ok, nil
}

func (w *world) Instance(context.Context) (string, error) { return "abcd", nil }

// rows reads a query of the warehouse, each row as text.
func (w *world) rows(query string) string {
	w.t.Helper()
	r, err := w.warehouse.Query(w.t.Context(), connector.Query{SQL: query})
	w.must(err)
	defer r.Release()
	var b strings.Builder
	for r.Next() {
		batch := r.RecordBatch()
		for i := range int(batch.NumRows()) {
			for j, column := range batch.Columns() {
				if j > 0 {
					b.WriteString("|")
				}
				b.WriteString(column.ValueStr(i))
			}
			b.WriteString("\n")
		}
	}
	w.must(r.Err())
	return b.String()
}

// send gives one row to the destination as a run of the sync does.
func (w *world) send(dest, doc resource.Document) {
	w.t.Helper()
	resolved, err := w.docs.Resolve(w.t.Context(), scope, "destination", dest.Slug)
	w.must(err)
	spec := *resolved.Spec.(*kinddestination.Spec)
	d, err := w.Destination(w.t.Context(), 1, dest.ID, spec)
	w.must(err)
	info, err := w.registry.Destination(spec.Type)
	w.must(err)
	job, err := w.Job(w.t.Context(), 1, doc, info)
	w.must(err)
	job.Columns = []connector.TargetColumn{{Name: "EMAIL", From: "email"}}
	s, err := d.Begin(w.t.Context(), job)
	w.must(err)
	_, err = s.Write(w.t.Context(), &connector.Batch{
		ID: "b", Operation: connector.Added, Rows: []connector.Row{{Key: "1", Values: []value.Value{value.OfText("a@example.com")}}},
		Checkpoint: func(context.Context, string) error { return nil },
	})
	w.must(err)
	w.must(s.Close())
	w.must(d.Close())
}

// standing tells how the looks at a destination stand.
func (w *world) standing(id int64) audiencesize.Report {
	w.t.Helper()
	s, ok, err := w.reporter.Standing(w.t.Context(), 1, id)
	w.must(err)
	if !ok {
		w.t.Fatal("nothing is looked at")
	}
	return s
}
