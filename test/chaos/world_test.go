package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/jackc/pgx/v5"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/engine/sync/audit"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	kindsync "github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/quota"
	"github.com/millrace/millrace/internal/secret"
	"github.com/millrace/millrace/test/services"
	"github.com/uptrace/bun"
)

const workspace, syncID = 1, 77

// engines are the ways to plan a run, and how many of the histories each has. A further one is a line.
var engines = map[string]struct {
	share float64
	setUp func(w *world)
}{
	"basic":     {1, func(*world) {}},
	"lightning": {0.4, func(w *world) { w.build(); w.enlighten() }},
	"migrating": {0.3, func(w *world) { w.build(); w.enlightenAt = 1 + w.rnd.IntN(3) }},
}

// jumping is a clock that goes with time and can be set.
type jumping struct{ offset atomic.Int64 }

// Now returns what the clock shows.
func (c *jumping) Now() time.Time { return clock.System{}.Now().Add(time.Duration(c.offset.Load())) }

func (c *jumping) jump(d time.Duration) { c.offset.Add(int64(d)) }

// world is some workers over one database, one storage, one source and one destination.
type world struct {
	t           *testing.T
	seed        uint64
	rnd         *rand.Rand
	story       []string // what happened
	dir         string
	url         string // of PostgreSQL; empty for SQLite
	db          *db.DB
	key         *secret.Key
	clock       *jumping
	storage     *storage
	target      *target
	warehouse   *flakyWarehouse // where the Lightning engine plans; nil in a world without it
	bundle      run.Bundle
	queue       *queue
	workers     []*worker
	made        int
	enlightenAt int // the step in which the source changes to the Lightning engine; 0 for none

	fate    *time.Timer      // lets a worker die; nil where none is to
	fated   chan struct{}    // closed when it has
	log     *strings.Builder // of the engine; guarded by logging
	logging sync.Mutex

	mu     sync.Mutex
	rows   map[string]string
	states int             // how many versions the model had
	again  map[string]bool // contents that the model went back to, by key and content
	source error
}

// queue holds the numbers of the runs that wait for a worker.
type queue struct {
	mu  sync.Mutex
	ids []int64
}

// Enqueue adds a run. It may be rolled back: a worker that looks in vain does no harm.
func (q *queue) Enqueue(_ context.Context, _ bun.Tx, id int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !slices.Contains(q.ids, id) {
		q.ids = append(q.ids, id)
	}
	return nil
}

func (q *queue) next() (int64, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.ids) == 0 {
		return 0, false
	}
	id := q.ids[0]
	q.ids = q.ids[1:]
	return id, true
}

func newWorld(t *testing.T, seed uint64, setUp func(w *world)) *world {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 1))
	w := &world{
		t: t, seed: seed, rnd: rnd, dir: t.TempDir(), clock: &jumping{}, storage: newStorage(rand.New(rand.NewPCG(seed, 2))),
		queue: &queue{}, rows: map[string]string{}, again: map[string]bool{}, log: &strings.Builder{},
	}
	w.open()
	w.target = newTarget(rand.New(rand.NewPCG(seed, 3)), w.limits())
	w.bundle = w.documents()
	setUp(w)
	for range w.count() {
		w.employ()
	}
	t.Cleanup(w.dismiss)
	return w
}

// open makes the database.
func (w *world) open() {
	w.t.Helper()
	config := db.Config{Home: w.dir}
	if w.rnd.IntN(3) == 0 {
		w.url = services.Postgres(w.t)
		config = db.Config{URL: w.url}
	}
	d, err := db.Open(w.t.Context(), config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = d.Close() }) //nolint:errcheck // the database is dropped
	if err := d.Migrate(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.db = d
	if w.key, err = secret.NewKey([]byte(strings.Repeat("k", 32))); err != nil {
		w.t.Fatal(err)
	}
}

// count is how many workers there are.
func (w *world) count() int {
	if w.url == "" {
		return 1
	}
	return 3
}

func (w *world) limits() connector.Limits {
	l := connector.Limits{
		Rows: 1 + w.rnd.IntN(4), Concurrency: 1 + w.rnd.IntN(3), Split: w.rnd.IntN(2) == 0,
		Idempotency: []connector.Idempotency{connector.Idempotent, connector.Idempotent, connector.Keyed, connector.Keyed, connector.Transactional, connector.NotIdempotent}[w.rnd.IntN(6)],
		Retry:       connector.RetryPolicy{Attempts: 1 + w.rnd.IntN(3), Base: time.Millisecond, Max: 4 * time.Millisecond},
	}
	switch w.rnd.IntN(4) {
	case 0:
		l.Rates = []connector.Rate{{Requests: 5 + w.rnd.IntN(20), Window: 300 * time.Millisecond, Class: "all"}}
	case 1:
		l.Rates = []connector.Rate{{Requests: 1 + w.rnd.IntN(2), Class: "all"}}
	}
	return l
}

func (w *world) documents() run.Bundle {
	mode := connector.ModeUpsert
	if w.rnd.IntN(8) == 0 {
		mode, w.target.limits.Deferred, w.target.limits.Idempotency = connector.ModeAll, true, connector.Idempotent
		w.target.limits.Rates = nil
	}
	return run.Bundle{
		Sync: run.Meta{ID: syncID, Slug: "people", Revision: 1}, Model: run.Meta{ID: 5, Slug: "people", Revision: 1},
		Source: run.Meta{ID: 3, Slug: "s", Revision: 1}, Destination: run.Meta{ID: 4, Slug: "d", Revision: 1},
		SourceSpec: source.Spec{Type: "test"}, DestinationSpec: destination.Spec{Type: "test", Configuration: map[string]any{"place": "here"}},
		ModelSpec: model.Spec{Source: "s", Method: model.MethodSQL, SQL: "select", PrimaryKey: "id"},
		SyncSpec: kindsync.Spec{
			Model: "people", Destination: "d", Type: "record", Mode: mode, Delete: connector.DeleteRecord,
			Match:    []connector.MatchPair{{From: "id", To: "id"}},
			Mappings: []kindsync.Mapping{{To: "id", From: "id"}, {To: "name", From: "name"}},
		},
	}
}

func (w *world) mirrors() bool { return w.bundle.SyncSpec.Mode == connector.ModeAll }

// Bundle returns the documents.
func (w *world) Bundle(context.Context, int64, int64) (run.Bundle, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bundle, nil
}

var errKilled = errors.New("the worker was killed here")

// worker is a process that executes runs.
type worker struct {
	*world

	number int
	store  *run.Store
	engine *run.Engine
	logs   *audit.Store
	ctx    context.Context
	kill   context.CancelCauseFunc
	done   sync.WaitGroup
	point  atomic.Pointer[string] // the failpoint at which it dies
	dead   atomic.Bool
}

// leaseTime is short, so that histories are.
const leaseTime = 400 * time.Millisecond

// employ starts a worker.
func (w *world) employ() {
	w.made++
	k := &worker{world: w, number: w.made, store: run.NewStore(w.db, w.clock)}
	k.store.LeaseTime = leaseTime
	k.logs = audit.NewStore(w.db, w.clock)
	k.logs.LeaseTime = leaseTime
	k.store.OnEnd(k.logs.Note)
	k.ctx, k.kill = context.WithCancelCause(context.WithoutCancel(w.t.Context()))
	log := slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn})).With("worker", k.number)
	o := run.EngineOptions{
		Store: k.store, Documents: w, Registry: w.registry(), Storage: w.storage, Quotas: quota.NewStore(w.db, w.key, w.clock),
		Enqueuer: w.queue, Clock: w.clock, Planner: plan.New(plan.Options{MemoryLimit: 64 << 20, Threads: 1}), Log: log,
		Dir: filepath.Join(w.dir, fmt.Sprint("worker-", w.made)), Owner: fmt.Sprint("worker ", w.made),
		Retention: 7 * 24 * time.Hour, Patience: 60 * time.Millisecond, Failpoint: k.reach,
	}
	k.engine = run.New(o)
	w.workers = append(w.workers, k)
	first := w.url == "" && w.made > 1 // SQLite serves one process: what it finds is its own
	k.done.Go(func() { k.reap(first) })
	k.done.Go(k.work)
	if w.warehouse != nil {
		writer := &audit.Writer{Store: k.logs, Runs: k.store, Rows: k.engine, Warehouses: w, Log: log, Failpoint: k.reach}
		k.done.Go(func() { k.write(writer) })
	}
}

// Write keeps the engine's log for a history that fails.
func (w *world) Write(line []byte) (int, error) {
	w.logging.Lock()
	defer w.logging.Unlock()
	return w.log.Write(line)
}

var _ io.Writer = (*world)(nil)

func (w *world) registry() *connector.Registry {
	return connector.New(
		[]connector.SourceInfo{{Slug: "test", SyncLogs: true, Open: func(connector.SourceOptions) (connector.Source, error) {
			if w.warehouse != nil {
				return w.warehouse, nil
			}
			return people{w}, nil
		}}},
		[]connector.DestinationInfo{{
			Slug: "test", Fields: []connector.Field{{Name: "place", Target: true}}, SyncTypes: []connector.SyncType{{Slug: "record"}},
			Open: func(connector.DestinationOptions) (connector.Destination, error) { return w.target, nil },
		}})
}

// reach dies at a failpoint, if the worker is to die there.
func (k *worker) reach(point string) {
	if p := k.point.Load(); p != nil && *p == point && k.point.CompareAndSwap(p, nil) {
		k.dead.Store(true)
		k.kill(errKilled)
		panic(errKilled)
	}
}

// work executes what waits.
func (k *worker) work() {
	for k.ctx.Err() == nil {
		id, found := k.queue.next()
		if !found {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		if err := k.execute(id); err != nil && k.ctx.Err() == nil {
			_ = k.queue.Enqueue(k.ctx, bun.Tx{}, id) //nolint:errcheck // as the job queue does: again, later
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func (k *worker) execute(id int64) (err error) {
	defer func() {
		if p := recover(); p != nil && p != errKilled { //nolint:errorlint // the very value
			panic(p)
		}
	}()
	return k.engine.Execute(k.ctx, id)
}

// reap looks for runs whose worker is gone.
func (k *worker) reap(first bool) {
	for own := first; k.ctx.Err() == nil; time.Sleep(30 * time.Millisecond) {
		_, err := k.reapOnce(own)
		own = own && err != nil
	}
}

func (k *worker) reapOnce(own bool) (n int, err error) {
	defer func() {
		if p := recover(); p != nil && p != errKilled { //nolint:errorlint // the very value
			panic(p)
		}
	}()
	return k.engine.Reap(k.ctx, own)
}

// replace lets another worker take the place of a dead one.
func (w *world) replace(k *worker) {
	k.kill(errKilled)
	k.done.Wait()
	w.workers = slices.DeleteFunc(w.workers, func(other *worker) bool { return other == k })
	w.employ()
}

func (w *world) dismiss() {
	for _, k := range w.workers {
		k.kill(errKilled)
	}
	for _, k := range w.workers {
		k.done.Wait()
	}
}

// people is the source.
type people struct{ *world }

func (s people) Test(context.Context) error                            { return nil }
func (s people) Introspect(context.Context) ([]connector.Table, error) { return nil, nil }
func (s people) Dialect() query.Dialect                                { return query.DuckDB }
func (s people) Close() error                                          { return nil }

// Query yields the model's rows of the moment.
func (s people) Query(context.Context, connector.Query) (array.RecordReader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.source != nil {
		return nil, s.source
	}
	return s.reader()
}

// reader yields the model's rows. The caller holds mu.
func (w *world) reader() (array.RecordReader, error) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String}, {Name: "name", Type: arrow.BinaryTypes.String}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for _, id := range slices.Sorted(maps.Keys(w.rows)) {
		b.Field(0).(*array.StringBuilder).Append(id)
		b.Field(1).(*array.StringBuilder).Append(w.rows[id])
	}
	return array.NewRecordReader(schema, []arrow.RecordBatch{b.NewRecordBatch()})
}

// change makes the next version of the model. Contents are new each time, but for a few rows that go back to what they
// were.
func (w *world) change() {
	w.redraw()
	if w.warehouse != nil {
		w.warehouse.fill()
	}
}

func (w *world) redraw() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.states++
	fresh := func(id string) string { return fmt.Sprintf("%s version %d", id, w.states) }
	for _, id := range slices.Sorted(maps.Keys(w.rows)) {
		switch w.rnd.IntN(8) {
		case 0:
			delete(w.rows, id)
		case 1, 2:
			w.rows[id] = fresh(id)
		case 3:
			w.rows[id] = id + " plain"
			w.again[id+" "+w.rows[id]] = true
		}
	}
	for range 1 + w.rnd.IntN(6) {
		id := fmt.Sprint("p", w.rnd.IntN(30))
		if _, there := w.rows[id]; !there {
			w.rows[id] = fresh(id)
		}
	}
}

func (w *world) model() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.rows)
}

// note adds to the story that a failing history tells.
func (w *world) note(format string, args ...any) {
	w.story = append(w.story, fmt.Sprintf(format, args...))
}

// trigger asks for a run; the database may be away.
func (w *world) trigger() error {
	_, err := w.workers[0].store.Trigger(w.t.Context(), run.Request{WorkspaceID: workspace, SyncID: syncID, SyncSlug: "people", Trigger: run.TriggerManual}, w.queue)
	return err
}

// runs lists the sync's runs, the newest first.
func (w *world) runs() ([]run.Run, error) {
	return w.workers[0].store.List(w.t.Context(), workspace, run.Filter{SyncID: syncID, Limit: 1000})
}

// outage takes the database away for a while: connections are cut, and none is let in.
func (w *world) outage(d time.Duration) {
	w.t.Helper()
	u, err := url.Parse(w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	u.Path = "/postgres"
	admin, err := pgx.Connect(w.t.Context(), u.String())
	if err != nil {
		w.t.Fatal(err)
	}
	defer admin.Close(w.t.Context()) //nolint:errcheck // an admin's connection
	run := func(s string) {
		if _, err := admin.Exec(w.t.Context(), s); err != nil {
			w.t.Fatal(err)
		}
	}
	run(`ALTER DATABASE "` + name + `" WITH ALLOW_CONNECTIONS false`)
	run(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '` + name + `'`)
	time.Sleep(d)
	run(`ALTER DATABASE "` + name + `" WITH ALLOW_CONNECTIONS true`)
}

// fill lets the SQLite database not grow for a while.
func (w *world) fill(d time.Duration) {
	w.t.Helper()
	exec := func(s string) {
		if _, err := w.db.ExecContext(w.t.Context(), s); err != nil {
			w.t.Fatal(err)
		}
	}
	exec("PRAGMA max_page_count = 1") // no less than it has
	time.Sleep(d)
	exec("PRAGMA max_page_count = 4294967294")
}

var errSource = fault.New(fault.CodeSourceUnreachable, "the source is away")
