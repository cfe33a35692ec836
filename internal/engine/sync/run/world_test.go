package run_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
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
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/state"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	kindsync "github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/quota"
	"github.com/uptrace/bun"
)

// row is one row of the test's model; a nil key is a null one.
type row struct {
	id    *string
	name  string
	score int64
}

func r(id, name string, score int64) row { return row{&id, name, score} }

// world is a server with a source and a destination that the test holds in its hands.
type world struct {
	t       testing.TB
	db      *db.DB
	dir     string
	clock   *clock.Manual
	rows    []row
	fail    error                                             // of the source
	query   func(context.Context) (array.RecordReader, error) // instead of rows
	bundle  run.Bundle
	reading func() // called when a run reads its documents
	target  *target
	store   *run.Store
	engine  *run.Engine
	queue   *queue
	storage run.Storage
	quotas  *quota.Store
	state   *state.Store
	wait    time.Duration // run.EngineOptions.Patience

	identifiers  connector.Identifiers // of the sync type; count from the next restart
	deferredType bool                  // the sync type says that its rows count only once a run is over; counts from the next restart
	places       run.Places
	expiry       time.Duration // of baselines

	bucket run.Results                                  // for warehouses; counts from the next restart
	write  func(context.Context, connector.Query) error // what the warehouse does with it

	sourceErr error                       // of reading the source by its number
	manifests []connector.DestinationInfo // further destinations; count from the next restart
	warehouse connector.Warehouse         // where the Lightning engine plans; nil in a world without it
}

const workspace, syncID = 1, 77

func newWorld(t testing.TB, d *db.DB) *world {
	w := &world{t: t, db: d, dir: t.TempDir(), clock: clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)), queue: &queue{}}
	w.storage = folder(filepath.Join(w.dir, "storage"))
	w.target = &target{world: w, have: map[string]string{}, sends: map[string]int{}, limits: connector.Limits{
		Rows: 2, Concurrency: 2, Idempotency: connector.Idempotent,
		Retry: connector.RetryPolicy{Attempts: 2, Base: time.Microsecond, Max: time.Microsecond},
	}}
	w.bundle = run.Bundle{
		Sync: run.Meta{ID: syncID, Slug: "people", Revision: 1}, Model: run.Meta{ID: 5, Slug: "people", Name: "People", Revision: 1},
		Source: run.Meta{ID: 3, Slug: "s", Revision: 1}, Destination: run.Meta{ID: 4, Slug: "d", Revision: 1},
		SourceSpec:      source.Spec{Type: "test"},
		DestinationSpec: destination.Spec{Type: "test", Configuration: map[string]any{"place": "here"}},
		ModelSpec:       model.Spec{Source: "s", Method: model.MethodSQL, SQL: "select", PrimaryKey: "id"},
		SyncSpec: kindsync.Spec{
			Model: "people", Destination: "d", Type: "record", Mode: connector.ModeUpsert, Delete: connector.DeleteRecord,
			Match:    []connector.MatchPair{{From: "id", To: "id"}},
			Mappings: []kindsync.Mapping{{To: "id", From: "id"}, {To: "name", From: "name"}},
		},
	}
	w.store = run.NewStore(d, w.clock)
	w.restart()
	return w
}

// restart is a new process over the same database and storage.
func (w *world) restart() {
	registry := connector.New(
		[]connector.SourceInfo{{Slug: "test", Results: w.bucket != nil, Open: func(connector.SourceOptions) (connector.Source, error) {
			if w.warehouse != nil {
				return tableSource{w.warehouse, w}, nil
			}
			return memorySource{w}, nil
		}}},
		append([]connector.DestinationInfo{{
			Slug: "test", Fields: []connector.Field{{Name: "place", Target: true}},
			SyncTypes: []connector.SyncType{{Slug: "record", Deferred: w.deferredType, Identifiers: w.identifiers}},
			Open:      func(connector.DestinationOptions) (connector.Destination, error) { return w.target, nil },
		}}, w.manifests...))
	w.engine = run.New(run.EngineOptions{
		Store: w.store, Documents: w, Registry: registry, Storage: w.storage, Places: w.places, Results: w.bucket, BaselineExpiry: w.expiry, Planner: plan.New(plan.Options{}),
		Enqueuer: w.queue, Clock: w.clock, Log: slog.New(slog.DiscardHandler), Dir: filepath.Join(w.dir, "work"),
		Owner: strconv.FormatInt(time.Now().UnixNano(), 10), Retention: 7 * 24 * time.Hour, Changed: func(run.Run) {},
		Sources: w, Quotas: w.quotas, State: w.state, Patience: w.wait,
	})
}

func (w *world) Bundle(context.Context, int64, int64) (run.Bundle, error) {
	if w.reading != nil {
		w.reading()
	}
	return w.bundle, nil
}

// Source is the world's own, until it is gone.
func (w *world) Source(context.Context, int64, int64) (run.Meta, source.Spec, error) {
	if w.sourceErr != nil {
		return run.Meta{}, source.Spec{}, w.sourceErr
	}
	return w.bundle.Source, w.bundle.SourceSpec, nil
}

// trigger makes a run and lets it go to its end.
func (w *world) run(o run.Options) run.Run {
	w.t.Helper()
	made, err := w.store.Trigger(w.t.Context(), run.Request{WorkspaceID: workspace, SyncID: syncID, SyncSlug: "people", Trigger: run.TriggerManual, Options: o}, w.queue)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.execute(made.ID)
}

func (w *world) execute(id int64) run.Run {
	w.t.Helper()
	if err := w.engine.Execute(w.t.Context(), id); err != nil {
		w.t.Fatal(err)
	}
	return w.get(id)
}

func (w *world) get(id int64) run.Run {
	w.t.Helper()
	got, err := w.store.Get(w.t.Context(), workspace, id)
	if err != nil {
		w.t.Fatal(err)
	}
	w.checkCounts(got)
	return got
}

// checkCounts holds every run to FLD-02.
func (w *world) checkCounts(got run.Run) {
	w.t.Helper()
	if !got.State.Ended() {
		return
	}
	c := got.Counts
	compared := c.Rows.Total()+c.Unchanged+c.Duplicates > 0 || got.State == run.Committed
	if compared && c.Read != c.Rows.Added+c.Rows.Changed+c.Unchanged+c.NullKeys+c.Duplicates {
		w.t.Errorf("%d rows read do not add up: %+v", c.Read, c)
	}
	for _, x := range [][4]int64{
		{c.Planned.Added, c.Succeeded.Added, c.Failed.Added, c.Aborted.Added},
		{c.Planned.Changed, c.Succeeded.Changed, c.Failed.Changed, c.Aborted.Changed},
		{c.Planned.Removed, c.Succeeded.Removed, c.Failed.Removed, c.Aborted.Removed},
	} {
		if x[0] != x[1]+x[2]+x[3] {
			w.t.Errorf("planned rows do not add up: %+v", c)
		}
	}
}

// want is what the destination holds when it mirrors the model's mapped columns.
func (w *world) model() map[string]string {
	all := map[string]string{}
	for _, r := range w.rows {
		if r.id != nil {
			all[*r.id] = r.name
		}
	}
	return all
}

func (w *world) checkTarget(want map[string]string) {
	w.t.Helper()
	if !maps.Equal(w.target.have, want) {
		w.t.Errorf("the destination has %v, want %v", w.target.have, want)
	}
}

// queue remembers which runs a worker is to take.
type queue struct {
	mu  sync.Mutex
	ids []int64
}

func (q *queue) Enqueue(_ context.Context, _ bun.Tx, id int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !slices.Contains(q.ids, id) {
		q.ids = append(q.ids, id)
	}
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

// memorySource yields the world's rows.
type memorySource struct{ *world }

func (s memorySource) Test(context.Context) error                            { return nil }
func (s memorySource) Introspect(context.Context) ([]connector.Table, error) { return nil, nil }
func (s memorySource) Dialect() query.Dialect                                { return query.DuckDB }
func (s memorySource) Close() error                                          { return nil }

func (s memorySource) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	if s.write != nil {
		if err := s.write(ctx, q); err != nil {
			return nil, err
		}
	}
	if s.query != nil {
		return s.query(ctx)
	}
	if s.fail != nil {
		return nil, s.fail
	}
	return s.reader()
}

// reader reads the world's rows.
func (w *world) reader() (array.RecordReader, error) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "name", Type: arrow.BinaryTypes.String}, {Name: "score", Type: arrow.PrimitiveTypes.Int64},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for _, r := range w.rows {
		if r.id == nil {
			b.Field(0).AppendNull()
		} else {
			b.Field(0).(*array.StringBuilder).Append(*r.id)
		}
		b.Field(1).(*array.StringBuilder).Append(r.name)
		b.Field(2).(*array.Int64Builder).Append(r.score)
	}
	return array.NewRecordReader(schema, []arrow.RecordBatch{b.NewRecordBatch()})
}

// target is a destination that keeps records by id, and fails as the test says.
type target struct {
	*world

	mu       sync.Mutex
	limits   connector.Limits
	each     map[connector.Operation]connector.Limits // makes it a connector.OperationLimiter
	have     map[string]string
	sends    map[string]int // how often a row was taken in this run
	writes   int
	before   func(b *connector.Batch) error // an error before anything is taken
	after    func(b *connector.Batch) error // an error after it was taken
	refuse   func(row connector.Row) string
	finishes int
	job      connector.SyncJob
	count    func(b *connector.Batch) connector.Result // answers by itself, and nothing is kept
	clear    func(ctx context.Context) error           // makes it a connector.Clearer
	begin    func(ctx context.Context, job connector.SyncJob) error
	finish   func(ctx context.Context) error
}

func (d *target) Test(context.Context) error    { return nil }
func (d *target) Check(connector.SyncJob) error { return nil }
func (d *target) Limits() connector.Limits      { return d.limits }
func (d *target) Close() error                  { return nil }
func (d *target) Finish(ctx context.Context) error {
	d.finishes++
	if d.finish != nil {
		return d.finish(ctx)
	}
	return nil
}

func (d *target) Begin(ctx context.Context, job connector.SyncJob) (connector.Session, error) {
	d.job = job
	if d.begin != nil {
		if err := d.begin(ctx, job); err != nil {
			return nil, err
		}
	}
	if d.each != nil {
		return eachTarget{d}, nil
	}
	if d.clear != nil {
		return clearTarget{d}, nil
	}
	return d, nil
}

func (d *target) Write(_ context.Context, b *connector.Batch) (connector.Result, error) {
	b.Record(connector.Exchange{Method: "TEST", URL: "test:" + b.ID, RequestBody: string(b.Operation)})
	if d.before != nil {
		if err := d.before(b); err != nil {
			return connector.Result{}, err
		}
	}
	if d.count != nil {
		result := d.count(b)
		if d.after != nil {
			return result, d.after(b)
		}
		return result, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	var result connector.Result
	for i, row := range b.Rows {
		if d.refuse != nil {
			if why := d.refuse(row); why != "" {
				result.Rejected = append(result.Rejected, connector.Rejection{Row: i, Reason: why})
				continue
			}
		}
		d.sends[row.Key]++
		if b.Operation == connector.Removed {
			delete(d.have, row.Match[0].String())
		} else {
			d.have[row.Match[0].String()] = row.Values[1].String()
		}
	}
	if d.after != nil {
		return result, d.after(b)
	}
	return result, nil
}

// clearTarget can be emptied.
type clearTarget struct{ *target }

func (d clearTarget) Clear(ctx context.Context) error { return d.clear(ctx) }

// eachTarget has limits for each operation.
type eachTarget struct{ *target }

func (d eachTarget) LimitsOf(op connector.Operation) connector.Limits { return d.each[op] }
