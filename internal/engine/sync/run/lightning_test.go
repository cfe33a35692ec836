package run_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/postgres"
	"github.com/millrace/millrace/test/services"
	"github.com/uptrace/bun"
)

// lightning is a world whose source is a table in PostgreSQL, on the Lightning engine.
func lightning(t *testing.T) *world {
	t.Helper()
	d, err := db.Open(t.Context(), db.Config{Home: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() }) //nolint:errcheck // the test is over
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, d)
	w.warehouse = openWarehouse(t)
	w.bundle.SourceSpec.Engine = connector.EngineLightning
	w.bundle.ModelSpec.SQL = "SELECT * FROM shop.people"
	return w
}

func openWarehouse(t *testing.T) connector.Warehouse {
	t.Helper()
	address := services.Postgres(t)
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background()) //nolint:errcheck // a test's connection
	if _, err := c.Exec(t.Context(), "CREATE SCHEMA millrace_planner"); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	info := postgres.Info()
	settings := connector.Settings{"host": u.Hostname(), "port": port, "database": strings.TrimPrefix(u.Path, "/"), "user": u.User.Username(), "sslMode": "disable"}
	s, err := info.Open(connector.SourceOptions{Settings: settings.WithDefaults(info.Fields)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) //nolint:errcheck // the test is over
	return s.(connector.Warehouse)
}

// tableSource writes the world's rows to a table before a run looks at it, on whichever engine.
type tableSource struct {
	connector.Warehouse

	world *world
}

func (s tableSource) load(ctx context.Context) error {
	r, err := s.world.reader()
	if err != nil {
		return err
	}
	defer r.Release()
	return s.Load(ctx, query.TableRef{Schema: "shop", Name: "people"}, r)
}

// Describe begins a run on the Lightning engine.
func (s tableSource) Describe(ctx context.Context, q connector.Query) (*arrow.Schema, error) {
	if strings.Contains(q.SQL, "shop.people") {
		if err := s.load(ctx); err != nil {
			return nil, err
		}
	}
	return s.Warehouse.Describe(ctx, q)
}

// Query begins a run on the Basic engine.
func (s tableSource) Query(ctx context.Context, q connector.Query) (array.RecordReader, error) {
	if q.SQL == s.world.bundle.ModelSpec.SQL {
		if err := s.load(ctx); err != nil {
			return nil, err
		}
	}
	return s.Warehouse.Query(ctx, q)
}

// Close leaves the connection to the test.
func (s tableSource) Close() error { return nil }

// tables lists what is in the planner schema.
func (w *world) tables() []string {
	w.t.Helper()
	names, err := w.warehouse.OwnTables(w.t.Context(), "millrace_planner", "")
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// Req: SY-46, SY-49, SY-52, SY-41, SY-42, SY-45, M-04, M-05, FLD-01, FLD-02, FLD-31
func TestLightning(t *testing.T) {
	t.Parallel()
	w := lightning(t)
	w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2), r("3", "Cyd", 3), r("4", "Dan", 4), r("4", "Dan again", 4), {nil, "Nobody", 0}}
	first := w.run(run.Options{})
	if first.State != run.Committed || first.Pinned.Engine != connector.EngineLightning || first.Pinned.Migrated {
		t.Fatalf("%s, engine %q: %+v", first.State, first.Pinned.Engine, first.Failure)
	}
	if c := first.Counts; c.Read != 6 || c.Succeeded.Added != 3 || c.NullKeys != 1 || c.Duplicates != 2 {
		t.Errorf("%+v", c)
	}
	w.target.refuse = func(row connector.Row) string { return map[string]string{"2": "no bobs"}[row.Key] }
	w.rows = []row{r("1", "Ann", 100), r("2", "Bobby", 2), r("5", "Eve", 5)}
	second := w.run(run.Options{})
	if c := second.Counts; c.Unchanged != 1 || c.Succeeded != (run.OpCounts{Added: 1, Removed: 1}) || c.Failed != (run.OpCounts{Changed: 1}) {
		t.Errorf("%+v", c)
	}
	w.target.refuse = nil
	if third := w.run(run.Options{}); third.Counts.Succeeded != (run.OpCounts{Changed: 1}) {
		t.Errorf("what was refused is sent again: %+v", third.Counts)
	}
	w.checkTarget(w.model())
	twins, _, err := w.engine.Rows(t.Context(), workspace, first.ID, run.RowQuery{Statuses: []run.RowStatus{run.RowRejected}, Limit: 10})
	if err != nil || len(twins) != 2 || !strings.Contains(twins[0].Reason, "PARTITION BY id") {
		t.Errorf("the rows that share a key are %+v, %v", twins, err)
	}
	if names := w.tables(); len(names) != 4 {
		t.Errorf("two pairs of tables are kept, and not %v", names)
	}
}

// Wherever a run dies, the next process settles it in the warehouse.
//
// Req: FLD-03, FLD-31, SY-39, SY-46
func TestLightningCrashes(t *testing.T) { //nolint:tparallel // its parts go on with one world
	t.Parallel()
	w := lightning(t)
	crashAtEveryPoint(t, w)
	w.t = t
	crashAtAnyWrite(t, w, 12)
	w.run(run.Options{})
	if names := w.tables(); len(names) != 4 {
		t.Errorf("dead runs left tables: %v", names)
	}
}

// Req: FLD-03
func TestLightningRevivedWorker(t *testing.T) {
	t.Parallel()
	revivedWorker(t, lightning(t))
}

// A sync of the Basic engine goes on in the warehouse without sending anything again.
//
// Req: SY-51, SY-47
func TestMigration(t *testing.T) {
	t.Parallel()
	w := lightning(t)
	w.bundle.SourceSpec.Engine = ""
	w.target.refuse = func(row connector.Row) string { return map[string]string{"3": "no cyds"}[row.Key] }
	w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2), r("3", "Cyd", 3), r("6", "Fay", 6), r("7", "Gus", 7)}
	if got := w.run(run.Options{}); got.Pinned.Engine != connector.EngineBasic || got.Counts.Succeeded.Added != 4 {
		t.Fatalf("%+v", got.Counts)
	}
	w.target.refuse = func(row connector.Row) string { return map[string]string{"6": "no more"}[row.Key] }
	w.rows[3] = r("6", "Faye", 6)
	w.run(run.Options{}) // Cyd is taken, Faye is refused
	w.target.refuse = nil
	clear(w.target.sends)

	w.bundle.SourceSpec.Engine = connector.EngineLightning
	w.rows = []row{r("1", "Ann", 1), r("2", "Bobby", 2), r("3", "Cyd", 3), r("6", "Faye", 6), r("8", "Hal", 8)}
	got := w.run(run.Options{})
	if got.State != run.Committed || !got.Pinned.Migrated {
		t.Fatalf("%s, migrated %v: %+v", got.State, got.Pinned.Migrated, got.Failure)
	}
	if c := got.Counts; c.Unchanged != 2 || c.Succeeded != (run.OpCounts{Added: 1, Changed: 2, Removed: 1}) {
		t.Errorf("%+v", c)
	}
	w.checkTarget(w.model())
	if w.target.sends["1"]+w.target.sends["3"] > 0 {
		t.Errorf("sent again: %v", w.target.sends)
	}
	next := w.run(run.Options{})
	if next.Pinned.Migrated || next.Counts.Unchanged != 5 || next.Counts.Planned.Total() != 0 {
		t.Errorf("the run after it: migrated %v, %+v", next.Pinned.Migrated, next.Counts)
	}
}

// A run that dies while it migrates has changed nothing: the next one migrates.
//
// Req: SY-51, FLD-03
func TestMigrationDies(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"planning", "kept", "delivering", "settled"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := lightning(t)
			w.bundle.SourceSpec.Engine = ""
			w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
			w.run(run.Options{})
			clear(w.target.sends)
			w.bundle.SourceSpec.Engine = connector.EngineLightning
			w.rows = []row{r("1", "Ann", 1), r("3", "Cyd", 3)}
			if !w.crash(w.trigger(), point, 0, false) {
				t.Fatal("the run did not pass this point")
			}
			w.recover()
			w.checkTarget(w.model())
			if w.target.sends["1"] > 0 {
				t.Errorf("sent again: %v", w.target.sends)
			}
		})
	}
}

// Somebody removed the planner's tables: the run asks what to do, and a full resync helps.
//
// Req: SY-50
func TestPlannerTablesAreGone(t *testing.T) {
	t.Parallel()
	for _, which := range []string{"_plan", "_rejections"} {
		t.Run(which, func(t *testing.T) {
			t.Parallel()
			w := lightning(t)
			w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
			w.run(run.Options{})
			for _, name := range w.tables() {
				if strings.HasSuffix(name, which) {
					drop := connector.Query{SQL: fmt.Sprintf("DROP TABLE millrace_planner.%q", name)}
					if _, err := w.warehouse.Execute(t.Context(), drop); err != nil {
						t.Fatal(err)
					}
				}
			}
			got := w.run(run.Options{})
			if got.State != run.Failed || got.Failure.Code != fault.CodeRunBaseline || got.Counts.Succeeded.Total() > 0 || !strings.Contains(got.Failure.Message, which) {
				t.Errorf("%s: %+v", got.State, got.Failure)
			}
			if again := w.run(run.Options{FullResync: true}); again.State != run.Committed || again.Counts.Succeeded.Added != 2 {
				t.Errorf("after a full resync: %s %+v", again.State, again.Failure)
			}
			if after := w.run(run.Options{}); after.Counts.Unchanged != 2 {
				t.Errorf("%+v", after.Counts)
			}
		})
	}
}

// A key that the engines write differently would make every row another one: the run asks instead.
//
// Req: SY-51
func TestMigrationOfOtherKeys(t *testing.T) {
	t.Parallel()
	w := lightning(t)
	w.bundle.SourceSpec.Engine = ""
	w.bundle.ModelSpec.SQL = "SELECT 0.5::float8 AS id, 'Ann' AS name"
	w.run(run.Options{})
	w.bundle.SourceSpec.Engine = connector.EngineLightning
	if got := w.run(run.Options{}); got.State != run.Failed || got.Failure.Code != fault.CodeRunBaseline || got.Counts.Succeeded.Total() > 0 {
		t.Errorf("%s: %+v", got.State, got.Failure)
	}
	if got := w.run(run.Options{ResetCDC: true}); got.State != run.Committed {
		t.Errorf("%s: %+v", got.State, got.Failure)
	}
}

// The other engine, in another source, cannot read what the warehouse keeps.
//
// Req: SY-47
func TestWayBackAsks(t *testing.T) {
	t.Parallel()
	w := lightning(t)
	w.rows = []row{r("1", "Ann", 1)}
	w.run(run.Options{})
	w.bundle.SourceSpec.Engine = ""
	if got := w.run(run.Options{}); got.State != run.Failed || got.Failure.Code != fault.CodeRunBaseline {
		t.Errorf("%s: %+v", got.State, got.Failure)
	}
	if got := w.run(run.Options{ResetCDC: true}); got.State != run.Committed || got.Counts.Planned.Total() != 0 {
		t.Errorf("%s: %+v", got.State, got.Failure)
	}
}

// What lies in the warehouse does not depend on the bucket: a sync goes on after the storage moved and after what is kept
// there expired.
//
// Req
func TestLightningDoesNotDependOnTheStorage(t *testing.T) {
	t.Parallel()
	w := lightning(t)
	p := placed(w)
	w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
	w.run(run.Options{})
	if st := w.standing(1); st.State != run.BaselineReady || st.Moves {
		t.Errorf("%+v", st)
	}
	p.move(1, time.Hour)
	w.clock.Advance(2 * time.Hour)
	if _, err := w.engine.Expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.rows[1] = r("2", "Rob", 2)
	if got := w.run(run.Options{}); got.State != run.Committed || got.Counts.Planned != (run.OpCounts{Changed: 1}) {
		t.Errorf("%s, %+v, planned %+v", got.State, got.Failure, got.Counts.Planned)
	}
}

// Who drops the planner's tables is told what to do about it, and a full resync does it.
//
// Req: WH-02, SY-12
func TestDroppedPlannerTables(t *testing.T) {
	t.Parallel()
	w := lightning(t)
	w.rows = []row{r("1", "Ann", 1), r("2", "Bob", 2)}
	w.run(run.Options{})
	for _, name := range w.tables() {
		drop := w.warehouse.Dialect().Command(query.DropTable{Table: query.TableRef{Schema: "millrace_planner", Name: name}})
		if _, err := w.warehouse.Execute(t.Context(), connector.Query{SQL: drop}); err != nil {
			t.Fatal(err)
		}
	}
	failed := w.run(run.Options{})
	if failed.State != run.Failed || failed.Failure.Code != fault.CodeRunBaseline || !strings.Contains(failed.Failure.Suggestion, "full resync") {
		t.Errorf("the run without tables is %s: %+v", failed.State, failed.Failure)
	}
	if again := w.run(run.Options{FullResync: true}); again.State != run.Committed || again.Counts.Succeeded.Added != 2 {
		t.Errorf("the full resync is %s, %+v: %+v", again.State, again.Counts, again.Failure)
	}
	if next := w.run(run.Options{}); next.Counts.Unchanged != 2 || next.Counts.Planned.Total() != 0 {
		t.Errorf("the run after it has %+v", next.Counts)
	}
}

// The tables of a deleted sync are dropped from its warehouse; while that is away they are tried again, and those of a
// source that is gone are given up.
//
// Req: SY-49
func TestTablesOfADeletedSync(t *testing.T) {
	t.Parallel()
	w := lightning(t)
	w.rows = []row{r("1", "Ann", 1)}
	if got := w.run(run.Options{}); got.State != run.Committed {
		t.Fatalf("%s %+v", got.State, got.Failure)
	}
	tables := func() int {
		names, err := w.warehouse.OwnTables(t.Context(), w.warehouse.Schemas().Planner, "mr_")
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	states := func() int64 {
		n, err := w.db.NewSelect().Table("sync_state").Count(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if tables() == 0 {
		t.Fatal("the run left no tables")
	}
	err := w.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error { return run.NoteDeleted(w.store, ctx, tx, syncID) })
	if err != nil {
		t.Fatal(err)
	}
	expire := func() {
		if _, err := w.engine.Expire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.sourceErr = fault.New(fault.CodeSourceUnreachable, "away")
	expire()
	if tables() == 0 || states() != 1 {
		t.Errorf("while the warehouse is away there are %d tables, %d states", tables(), states())
	}
	w.sourceErr = nil
	expire()
	if tables() != 0 || states() != 0 {
		t.Errorf("%d tables and %d states are left", tables(), states())
	}
}

// A deleted sync whose source is gone, or whose warehouse stays away, is forgotten all the same.
//
// Req: SY-49
func TestOrphansAreGivenUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		days int
	}{
		"source gone": {fault.New(fault.CodeNotFound, "no such source"), 0}, "away for long": {fault.New(fault.CodeSourceUnreachable, "away"), 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := lightning(t)
			w.rows = []row{r("1", "Ann", 1)}
			w.run(run.Options{})
			err := w.db.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error { return run.NoteDeleted(w.store, ctx, tx, syncID) })
			if err != nil {
				t.Fatal(err)
			}
			w.sourceErr = c.err
			w.clock.Advance(time.Duration(c.days) * 24 * time.Hour)
			if _, err := w.engine.Expire(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n, err := w.db.NewSelect().Table("sync_state").Count(t.Context()); err != nil || n != 0 {
				t.Errorf("%d states are left, %v", n, err)
			}
		})
	}
}
