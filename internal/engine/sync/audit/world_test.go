package audit_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/uptrace/bun"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/engine/sync/audit"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	kindsync "github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/kind/synclog"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/duckdb"
	"github.com/millrace/millrace/internal/source/postgres"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

const workspace, syncID, sourceID = 1, 77, 3

// everything is every table.
var everything = synclog.Tables{Snapshot: true, Changelog: true, Runs: true}

// world is a server with a real warehouse, and a destination that the test holds in its hands.
type world struct {
	t         testing.TB
	db        *db.DB
	dir       string
	clock     *clock.Manual
	info      connector.SourceInfo
	settings  connector.Settings
	warehouse connector.Warehouse // of the test
	bundle    run.Bundle
	target    *target
	runs      *run.Store
	engine    *run.Engine
	store     *audit.Store
	writer    *audit.Writer
	moved     bool                                          // the storage was switched
	gone      bool                                          // the source is deleted
	wrap      func(connector.Warehouse) connector.Warehouse // what writers see
	queue     *queue
}

// warehouses are the databases that run here.
var warehouses = map[string]func(t testing.TB) (connector.SourceInfo, connector.Settings){"duckdb": duckDB, "postgres": postgreSQL}

func duckDB(t testing.TB) (connector.SourceInfo, connector.Settings) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "warehouse.duckdb")
	d, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.ExecContext(t.Context(), "CREATE SCHEMA shop; CREATE SCHEMA millrace_planner"); err != nil {
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
	w := &world{t: t, db: d, dir: t.TempDir(), clock: clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)), queue: &queue{}}
	w.info, w.settings = warehouses[warehouse](t)
	w.warehouse = w.open()
	t.Cleanup(func() { _ = w.warehouse.Close() }) //nolint:errcheck // the test is over
	if warehouse == "postgres" {
		w.exec("CREATE SCHEMA shop", "CREATE SCHEMA millrace_planner")
	}
	w.target = &target{have: map[string]string{}, limits: connector.Limits{
		Rows: 2, Concurrency: 1, Idempotency: connector.Idempotent,
		Retry: connector.RetryPolicy{Attempts: 1, Base: time.Microsecond, Max: time.Microsecond},
	}}
	w.bundle = run.Bundle{
		Sync: run.Meta{ID: syncID, Slug: "people", Revision: 1}, Model: run.Meta{ID: 5, Slug: "people", Name: "People", Revision: 1},
		Source: run.Meta{ID: sourceID, Slug: "s", Revision: 1}, Destination: run.Meta{ID: 4, Slug: "d", Revision: 1},
		SourceSpec:      source.Spec{Type: w.info.Slug, Configuration: w.settings, Engine: connector.EngineLightning},
		DestinationSpec: destination.Spec{Type: "test", Configuration: map[string]any{}},
		ModelSpec:       model.Spec{Source: "s", Method: model.MethodSQL, SQL: "SELECT * FROM shop.people", PrimaryKey: "id"},
		SyncSpec: kindsync.Spec{
			Model: "people", Destination: "d", Type: "record", Mode: connector.ModeUpsert, Delete: connector.DeleteRecord,
			Match: []connector.MatchPair{{From: "id", To: "id"}}, Mappings: []kindsync.Mapping{{To: "id", From: "id"}, {To: "name", From: "name"}},
			SyncLogs: &everything,
		},
	}
	w.restart()
	return w
}

// restart is a new process over the same databases and storage.
func (w *world) restart() {
	registry := connector.New([]connector.SourceInfo{w.info}, []connector.DestinationInfo{{
		Slug: "test", Name: "Test CRM", SyncTypes: []connector.SyncType{{Slug: "record"}},
		Open: func(connector.DestinationOptions) (connector.Destination, error) { return w.target, nil },
	}})
	w.runs, w.store = run.NewStore(w.db, w.clock), audit.NewStore(w.db, w.clock)
	w.runs.OnEnd(w.store.Note)
	log := slog.New(slog.DiscardHandler)
	w.engine = run.New(run.EngineOptions{
		Store: w.runs, Documents: w, Registry: registry, Storage: w.storage(w.moved), Places: w, Planner: plan.New(plan.Options{}),
		Enqueuer: w.queue, Clock: w.clock, Log: log, Dir: filepath.Join(w.dir, "work"), Owner: "test", Retention: 7 * 24 * time.Hour,
	})
	w.writer = &audit.Writer{Store: w.store, Runs: w.runs, Rows: w.engine, Warehouses: w, Log: log}
}

// storage is where objects lie before and after the storage was switched.
func (w *world) storage(moved bool) folder {
	return folder(filepath.Join(w.dir, map[bool]string{false: "storage", true: "new-storage"}[moved]))
}

// Place returns where objects lie now.
func (w *world) Place(context.Context, int64) (run.Place, error) {
	if w.moved {
		return run.Place{ID: 1}, nil
	}
	return run.Place{}, nil
}

// Earlier returns where objects lay before.
func (w *world) Earlier(_ context.Context, _, placeID int64) (run.Stored, error) {
	return w.storage(placeID != 0), nil
}

// Bundle returns the documents.
func (w *world) Bundle(_ context.Context, _, id int64) (run.Bundle, error) {
	b := w.bundle
	b.Sync.ID = id
	return b, nil
}

// Warehouse opens the warehouse for a writer.
func (w *world) Warehouse(_ context.Context, workspaceID, source int64) (connector.Warehouse, error) {
	if w.gone || workspaceID != workspace || source != sourceID {
		return nil, fault.New(fault.CodeNotFound, "there is no source %d", source)
	}
	warehouse := w.open()
	if w.wrap != nil {
		warehouse = w.wrap(warehouse)
	}
	return warehouse, nil
}

func (w *world) open() connector.Warehouse {
	w.t.Helper()
	s, err := w.info.Open(connector.SourceOptions{Settings: w.settings.WithDefaults(w.info.Fields), Dir: filepath.Join(w.dir, "source")})
	if err != nil {
		w.t.Fatal(err)
	}
	return s.(connector.Warehouse)
}

// person is a row of the model; without an id its key is null.
type person struct{ id, name string }

// people replaces the model's rows.
func (w *world) people(all ...person) {
	w.t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "name", Type: arrow.BinaryTypes.String}, {Name: "unmapped", Type: arrow.PrimitiveTypes.Int64},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, p := range all {
		if p.id == "" {
			b.Field(0).AppendNull()
		} else {
			b.Field(0).(*array.StringBuilder).Append(p.id)
		}
		b.Field(1).(*array.StringBuilder).Append(p.name)
		b.Field(2).(*array.Int64Builder).Append(1)
	}
	r, err := array.NewRecordReader(schema, []arrow.RecordBatch{b.NewRecordBatch()})
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Release()
	if err := w.warehouse.Load(w.t.Context(), query.TableRef{Schema: "shop", Name: "people"}, r); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) exec(statements ...string) {
	w.t.Helper()
	for _, s := range statements {
		if _, err := w.warehouse.Execute(w.t.Context(), connector.Query{SQL: s}); err != nil {
			w.t.Fatalf("%s: %v", s, err)
		}
	}
}

// read returns the rows of a query, sorted, with | between the cells; null is -.
func (w *world) read(sql string) []string {
	w.t.Helper()
	all := w.ordered(sql)
	slices.Sort(all)
	return all
}

// ordered returns the rows in the query's own order.
func (w *world) ordered(sql string) []string {
	w.t.Helper()
	r, err := w.warehouse.Query(w.t.Context(), connector.Query{SQL: sql})
	if err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	defer r.Release()
	flat, err := value.Flatten(r, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer flat.Release()
	all := []string{}
	for flat.Next() {
		all = append(all, cells(w.t, flat.RecordBatch())...)
	}
	if err := flat.Err(); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	return all
}

func cells(t testing.TB, b arrow.RecordBatch) []string {
	t.Helper()
	rows := make([][]string, b.NumRows())
	for i, f := range b.Schema().Fields() {
		read, err := value.NewReader(f, b.Column(i))
		if err != nil {
			t.Fatal(err)
		}
		for n := range rows {
			text := "-"
			if v := read(n); !v.IsNull() {
				text = strings.ReplaceAll(strings.Clone(v.String()), `": `, `":`)
			}
			rows[n] = append(rows[n], text)
		}
	}
	all := make([]string, len(rows))
	for n, row := range rows {
		all[n] = strings.ReplaceAll(strings.Join(row, "|"), `, "`, `,"`)
	}
	return all
}

// want compares the rows of a query, in any order.
func (w *world) want(sql string, want ...string) {
	w.t.Helper()
	slices.Sort(want)
	if got := w.read(sql); !slices.Equal(got, want) {
		w.t.Errorf("%s yields\n  %s\nwant\n  %s", sql, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// The tables without the ids that change.
const (
	changelog = "SELECT op_type, row_id, status, failure_reason, fields FROM millrace_audit.sync_changelog WHERE sync_id = 77"
	snapshot  = "SELECT op_type, row_id, status, failure_reason, fields FROM millrace_audit.sync_snapshot WHERE sync_id = 77"
)

// trigger makes a run.
func (w *world) trigger(o run.Options) int64 {
	w.t.Helper()
	return w.triggerOf(syncID, o)
}

func (w *world) triggerOf(id int64, o run.Options) int64 {
	w.t.Helper()
	made, err := w.runs.Trigger(w.t.Context(), run.Request{WorkspaceID: workspace, SyncID: id, SyncSlug: "people", Trigger: run.TriggerManual, Options: o}, w.queue)
	if err != nil {
		w.t.Fatal(err)
	}
	return made.ID
}

// sync runs to the end, without writing its log.
func (w *world) sync(o run.Options) run.Run {
	w.t.Helper()
	return w.execute(w.trigger(o))
}

func (w *world) execute(id int64) run.Run {
	w.t.Helper()
	if err := w.engine.Execute(w.t.Context(), id); err != nil {
		w.t.Fatal(err)
	}
	r, err := w.runs.Get(w.t.Context(), workspace, id)
	if err != nil {
		w.t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	return r
}

// logged runs to the end and writes the log.
func (w *world) logged(o run.Options) run.Run {
	w.t.Helper()
	r := w.sync(o)
	w.drain()
	return r
}

// drain writes what is due, and fails the test where something is not written.
func (w *world) drain() {
	w.t.Helper()
	w.writer.Drain(w.t.Context())
	if s := w.status(); s.Waiting > 0 || s.Failure != nil {
		w.t.Fatalf("the log is not written: %+v, %+v", s, s.Failure)
	}
}

func (w *world) status() audit.Status {
	w.t.Helper()
	s, err := w.store.OfSync(w.t.Context(), workspace, syncID)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// leftovers lists what writers left in the planner schema.
func (w *world) leftovers() []string {
	w.t.Helper()
	instance, err := w.runs.Instance(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	names, err := w.warehouse.OwnTables(w.t.Context(), "millrace_planner", "mr_"+instance+"_log_")
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}

// queue has nobody to wake.
type queue struct {
	mu  sync.Mutex
	ids []int64
}

// Enqueue notes a run.
func (q *queue) Enqueue(_ context.Context, _ bun.Tx, id int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ids = append(q.ids, id)
	return nil
}

// folder is storage in a local folder.
type folder string

func (f folder) path(ws int64, key string) string {
	return filepath.Join(string(f), strconv.FormatInt(ws, 10), filepath.FromSlash(key))
}

func (f folder) Upload(_ context.Context, ws int64, key, local string) error {
	return copyFile(local, f.path(ws, key))
}

func (f folder) Download(_ context.Context, ws int64, key, local string) error {
	err := copyFile(f.path(ws, key), local)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.CodeNotFound, "there is no object %s", key)
	}
	return err
}

func (f folder) DeletePrefix(_ context.Context, ws int64, prefix string) error {
	return os.RemoveAll(strings.TrimSuffix(f.path(ws, prefix), "/"))
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}

// target is a destination that keeps records by id, and fails as the test says.
type target struct {
	mu     sync.Mutex
	limits connector.Limits
	have   map[string]string
	refuse map[string]string // reasons by key
	fail   func(b *connector.Batch) error
}

func (d *target) Test(context.Context) error    { return nil }
func (d *target) Check(connector.SyncJob) error { return nil }
func (d *target) Limits() connector.Limits      { return d.limits }
func (d *target) Close() error                  { return nil }
func (d *target) Finish(context.Context) error  { return nil }
func (d *target) Begin(context.Context, connector.SyncJob) (connector.Session, error) {
	return d, nil
}

func (d *target) Write(_ context.Context, b *connector.Batch) (connector.Result, error) {
	if d.fail != nil {
		if err := d.fail(b); err != nil {
			return connector.Result{}, err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var result connector.Result
	for i, row := range b.Rows {
		if why := d.refuse[row.Key]; why != "" {
			result.Rejected = append(result.Rejected, connector.Rejection{Row: i, Reason: why})
			continue
		}
		if b.Operation == connector.Removed {
			delete(d.have, row.Key)
		} else {
			d.have[row.Key] = row.Values[1].String()
		}
	}
	return result, nil
}
