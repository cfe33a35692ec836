package lightning_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/engine/sync/plan/lightning"
	"github.com/millrace/millrace/internal/engine/sync/plan/plantest"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/duckdb"
	"github.com/millrace/millrace/internal/source/postgres"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

// warehouses are the databases that run here.
var warehouses = map[string]func(t testing.TB) connector.Warehouse{"duckdb": openDuckDB, "postgres": openPostgres}

func openDuckDB(t testing.TB) connector.Warehouse {
	t.Helper()
	path := filepath.Join(t.TempDir(), "warehouse.duckdb")
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(context.Background(), "CREATE SCHEMA shop; CREATE SCHEMA millrace_planner"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, duckdb.Info(duckdb.Reach{}), connector.Settings{"path": path})
}

func openPostgres(t testing.TB) connector.Warehouse {
	t.Helper()
	address := services.Postgres(t)
	c, err := pgx.Connect(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background()) //nolint:errcheck // a test's connection
	if _, err := c.Exec(context.Background(), "CREATE SCHEMA shop; CREATE SCHEMA millrace_planner"); err != nil {
		t.Fatal(err)
	}
	return open(t, postgres.Info(), postgresSettings(t, address))
}

func postgresSettings(t testing.TB, address string) connector.Settings {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	return connector.Settings{"host": u.Hostname(), "port": port, "database": u.Path[1:], "user": u.User.Username(), "password": password, "sslMode": "disable"}
}

func open(t testing.TB, info connector.SourceInfo, s connector.Settings) connector.Warehouse {
	t.Helper()
	src, err := info.Open(connector.SourceOptions{Settings: s.WithDefaults(info.Fields), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() }) //nolint:errcheck // the test is over
	return src.(connector.Warehouse)
}

// The Lightning planner makes the plans of the Basic one, in both warehouses that run here.
//
// Req: SY-43, SY-46, SY-39, M-04, M-05, M-06, FLD-01, FLD-02, FLD-31
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, warehouse := range warehouses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := warehouse(t)
			var syncs atomic.Int64
			plantest.Test(t, func(t testing.TB) plantest.Planner { return newPlanner(t, w, syncs.Add(1)) })
		})
	}
}

// planner is a sync on the Lightning engine. Everything that it remembers goes through JSON, as between processes.
type planner struct {
	warehouse connector.Warehouse
	dir       string
	sync      int64
	run       int64
	baseline  []byte
	previous  *plan.Tables
	staged    plan.Staged
	plan      plan.Plan
}

func newPlanner(t testing.TB, w connector.Warehouse, sync int64) *planner {
	t.Helper()
	return &planner{warehouse: w, dir: t.TempDir(), sync: sync}
}

func (p *planner) engine(epoch int64) *lightning.Planner {
	return lightning.New(p.warehouse, lightning.Run{Instance: "test", Workspace: 1, Sync: p.sync, ID: p.run, Epoch: epoch}, "conformance")
}

func (p *planner) folder() string { return filepath.Join(p.dir, strconv.FormatInt(p.run, 10)) }

func (p *planner) model() query.TableRef {
	return query.TableRef{Schema: "shop", Name: fmt.Sprintf("model %d", p.sync)}
}

func (p *planner) old() *plan.Baseline {
	if p.baseline == nil {
		return nil
	}
	var b plan.Baseline
	if err := json.Unmarshal(p.baseline, &b); err != nil {
		panic(err)
	}
	return &b
}

// Plan stages and compares.
func (p *planner) Plan(ctx context.Context, model arrow.RecordBatch, s plantest.Settings) (plantest.Result, error) {
	p.run++
	if err := os.Mkdir(p.folder(), 0o700); err != nil {
		return plantest.Result{}, err
	}
	r, err := array.NewRecordReader(model.Schema(), []arrow.RecordBatch{model})
	if err != nil {
		return plantest.Result{}, err
	}
	defer r.Release()
	if err := p.warehouse.Load(ctx, p.model(), r); err != nil {
		return plantest.Result{}, err
	}
	if err := p.stage(ctx, s); err != nil {
		return plantest.Result{}, err
	}
	planned, err := p.engine(1).Diff(ctx, s.Input(p.staged, p.old(), p.folder()))
	if err != nil {
		return plantest.Result{}, err
	}
	if p.plan, err = plantest.Revived(planned); err != nil {
		return plantest.Result{}, err
	}
	return plantest.ResultOf(&p.plan)
}

func (p *planner) stage(ctx context.Context, s plantest.Settings) (err error) {
	q := connector.Query{SQL: p.warehouse.Dialect().SelectTable(p.model())}
	schema, err := lightning.Describe(ctx, p.warehouse, q)
	if err != nil {
		return err
	}
	p.staged, err = p.engine(1).Stage(ctx, q.SQL, plan.StageInput{Schema: schema, PrimaryKey: s.Key, Columns: s.Columns, Compare: s.Compare})
	return err
}

// Settle is what another worker does, with an epoch of its own, that knows of the run what is written down.
func (p *planner) Settle(ctx context.Context, outcome func(plantest.Row) string) error {
	ranges, err := plantest.Ranges(&p.plan, outcome)
	if err != nil {
		return err
	}
	b, err := p.engine(2).Settle(ctx, plan.SettleInput{
		Staged: p.staged, Plan: &p.plan, Old: p.old(), Outcomes: plan.Sorted(ranges), Default: plan.Aborted, Dir: p.folder(),
	})
	if err != nil {
		return err
	}
	if old := p.old(); old != nil {
		p.previous = old.Tables
	}
	if p.baseline, err = json.Marshal(b); err != nil {
		return err
	}
	return p.forget(ctx)
}

// forget proves that two pairs are left, and nothing else (SY-49).
func (p *planner) forget(ctx context.Context) error {
	if err := p.engine(2).Forget(ctx, p.old().Tables, p.previous); err != nil {
		return err
	}
	names, err := p.warehouse.OwnTables(ctx, "millrace_planner", fmt.Sprintf("mr_test_1_%d_", p.sync))
	if want := 2 * min(int(p.run), 2); err == nil && len(names) != want {
		err = fmt.Errorf("%d tables are left after run %d: %v", len(names), p.run, names)
	}
	return err
}

// Settled reads the baseline as the next run would.
func (p *planner) Settled(ctx context.Context) ([]plantest.Held, error) {
	b := p.old()
	held, err := p.engine(3).Held(ctx, b)
	if err != nil {
		return nil, err
	}
	var all []plantest.Held
	rows := int64(0)
	for _, h := range held {
		row := plantest.Held{Key: h.Key, Dirty: h.Doubt}
		if h.Values != nil {
			rows++
			row.Values = plantest.ByName(b.Schema, [][]value.Value{h.Values})[0]
		}
		row.Attempts = plantest.ByName(b.Schema, h.Attempts)
		all = append(all, row)
	}
	if rows != b.Rows {
		return nil, fmt.Errorf("the baseline says that it has %d rows and has %d", b.Rows, rows)
	}
	return all, nil
}
