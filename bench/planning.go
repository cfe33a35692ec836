package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"

	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/query"
)

// The goals of planning.
const (
	planTime   = 1.5     // times what the same takes by hand
	planMemory = 1 << 30 // bytes of the whole process, whatever the number of rows
)

// planning compares Stage, Diff and Settle with a comparison in two phases and a snapshot by hand.
func planning(ctx context.Context, b *bench) error {
	dir := filepath.Join(b.dir, "plan")
	m, err := makeModel(ctx, dir, b.size(10_000_000))
	if err != nil {
		return err
	}
	for _, stream := range []bool{false, true} {
		p, err := newPlanner(ctx, dir, m, stream)
		if err != nil {
			return err
		}
		s, err := pair{rounds: b.rounds, prepare: p.clean, peer: func() error { return p.byHand(ctx) }, ours: func() error { return p.plan(ctx) }}.run()
		if err != nil {
			return err
		}
		what := "1% changed, from a file"
		if stream {
			what = "1% changed, from a stream"
		}
		b.add(s.atMost(planTime, m.rows, "plan", what))
	}
	return nil
}

// planner plans one model by turns.
type planner struct {
	model    dataset
	stream   bool // the rows come through Arrow instead of from a file
	engine   *plan.Engine
	baseline plan.Baseline
	settled  string // folder of the baseline, and of the snapshot by hand
	work     string
}

const handSnapshot = "hand.parquet"

// newPlanner settles the model's first state, both ways.
func newPlanner(ctx context.Context, dir string, m dataset, stream bool) (*planner, error) {
	p := &planner{model: m, stream: stream, engine: plan.New(plan.Options{}), settled: filepath.Join(dir, "settled"), work: filepath.Join(dir, "work")}
	if err := errors.Join(remake(p.settled), remake(p.work)); err != nil {
		return nil, err
	}
	staged, err := p.stage(ctx, m.before, p.settled)
	if err != nil {
		return nil, err
	}
	p.baseline = plan.Baseline{Files: staged.Files, Layout: staged.Layout, Rows: staged.Kept}
	d, err := openDuck(ctx, filepath.Join(p.work, "spill"))
	if err != nil {
		return nil, err
	}
	return p, errors.Join(d.copyTo(ctx, snapshot("read_parquet("+query.DuckDB.Text(m.before)+")"), filepath.Join(p.settled, handSnapshot)), d.close())
}

func remake(dir string) error {
	if err := os.RemoveAll(dir); err != nil { //nolint:gosec // a folder of our own
		return fmt.Errorf("emptying a folder: %w", err)
	}
	return os.MkdirAll(dir, 0o750) //nolint:gosec // a folder of our own
}

func (p *planner) clean() error { return remake(p.work) }

// plan does what a run does.
func (p *planner) plan(ctx context.Context) error {
	staged, err := p.stage(ctx, p.model.after, p.work)
	if err != nil {
		return err
	}
	made, err := p.engine.Diff(ctx, plan.DiffInput{
		Staged: staged, Baseline: &p.baseline, BaselineDir: p.settled, Dir: p.work,
		Rules: plan.ModeRules{AddedActs: true, ChangedActs: true, RemovedActs: true},
	})
	if err != nil {
		return fmt.Errorf("comparing: %w", err)
	}
	want, got := differenceOf(p.model.rows), made.Counts.Found
	if got.Removed != want.removed || got.Added != want.added || got.Changed != want.changed {
		return fmt.Errorf("the plan has %+v, %+v was made", got, want)
	}
	_, err = p.engine.Settle(ctx, plan.SettleInput{
		Staged: staged, Plan: &made, Old: &p.baseline, OldDir: p.settled, Default: plan.Accepted, Dir: p.work,
	})
	return err
}

func (p *planner) stage(ctx context.Context, path, dir string) (plan.Staged, error) {
	in := plan.StageInput{File: path, PrimaryKey: "id", Columns: peopleColumns, Compare: peopleColumns, Dir: dir}
	if !p.stream {
		return p.engine.Stage(ctx, in)
	}
	rows, done, err := openRows(ctx, path)
	if err != nil {
		return plan.Staged{}, err
	}
	in.File, in.Reader = "", rows
	staged, err := p.engine.Stage(ctx, in)
	return staged, errors.Join(err, done())
}

// snapshot is what has to be kept of a model: its key, a hash, and its columns.
func snapshot(from string) string {
	columns := strings.Join(peopleColumns, ", ")
	return "SELECT id AS _k, hash(" + columns + ") AS _h, " + columns + " FROM " + from
}

// byHand writes a snapshot, compares keys and hashes, and writes the rows that differ.
func (p *planner) byHand(ctx context.Context) (err error) {
	d, err := openDuck(ctx, filepath.Join(p.work, "spill"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	from, done, err := p.source(ctx, d)
	if err != nil {
		return err
	}
	now := filepath.Join(p.work, "now.parquet")
	if err := errors.Join(d.copyTo(ctx, snapshot(from), now), done()); err != nil {
		return err
	}
	return compareByHand(ctx, d, filepath.Join(p.settled, handSnapshot), now, p.work)
}

// source makes the model readable in SQL.
func (p *planner) source(ctx context.Context, d *duck) (from string, done func() error, err error) {
	if !p.stream {
		return "read_parquet(" + query.DuckDB.Text(p.model.after) + ")", func() error { return nil }, nil
	}
	rows, closeRows, err := openRows(ctx, p.model.after)
	if err != nil {
		return "", nil, err
	}
	release, err := d.view("model", rows)
	return "model", func() error {
		release()
		return closeRows()
	}, err
}

// view makes a stream readable once.
func (d *duck) view(name string, rows array.RecordReader) (release func(), err error) {
	err = d.conn.Raw(func(c any) error {
		a, err := duckdb.NewArrowFromConn(c.(driver.Conn)) //nolint:forcetypeassert // database/sql's contract
		if err != nil {
			return err //nolint:wrapcheck // wrapped below
		}
		release, err = a.RegisterView(rows, name)
		return err //nolint:wrapcheck // wrapped below
	})
	if err != nil {
		return func() {}, fmt.Errorf("reading a stream: %w", err)
	}
	return release, nil
}

// compareByHand is the comparison in two phases: keys and hashes first, whole rows of the difference afterwards.
func compareByHand(ctx context.Context, d *duck, before, after, dir string) error {
	old, now := "read_parquet("+query.DuckDB.Text(before)+")", "read_parquet("+query.DuckDB.Text(after)+")"
	err := d.exec(ctx, `CREATE TEMP TABLE k AS SELECT coalesce(n._k, o._k) AS _k,
		CASE WHEN o._k IS NULL THEN 'a' WHEN n._k IS NULL THEN 'r' ELSE 'c' END AS op
		FROM (SELECT _k, _h FROM `+now+`) AS n FULL JOIN (SELECT _k, _h FROM `+old+`) AS o ON n._k = o._k
		WHERE n._k IS NULL OR o._k IS NULL OR n._h <> o._h`)
	if err != nil {
		return err
	}
	return errors.Join(
		d.copyTo(ctx, "SELECT k.op, n.* FROM "+now+" AS n JOIN k ON n._k = k._k WHERE k.op <> 'r'", filepath.Join(dir, "upserts.parquet")),
		d.copyTo(ctx, "SELECT k.op, o.* FROM "+old+" AS o JOIN k ON o._k = k._k WHERE k.op = 'r'", filepath.Join(dir, "removals.parquet")),
	)
}

// planCommand makes the command plan once in a process of its own, whose memory tells.
const planCommand = "plan-once"

// planningMemory measures the memory of processes that only plan.
func planningMemory(ctx context.Context, b *bench) error {
	dir := filepath.Join(b.dir, "memory")
	m, err := makeModel(ctx, dir, b.size(10_000_000))
	if err != nil {
		return err
	}
	if err := memoryOfPlan(ctx, b, dir, m); err != nil || !b.full {
		return err
	}
	dir = filepath.Join(b.dir, "larger")
	larger, err := makeModel(ctx, dir, 5*m.rows)
	if err != nil {
		return err
	}
	return memoryOfPlan(ctx, b, dir, larger)
}

func memoryOfPlan(ctx context.Context, b *bench, dir string, m dataset) error {
	peak, err := weigh(ctx, planCommand, dir, m.before, m.after, strconv.FormatInt(m.rows, 10))
	if err != nil {
		return fmt.Errorf("planning in a process of its own: %w", err)
	}
	b.add(result{
		group: "plan", what: "peak memory, from a stream", rows: m.rows, ours: megabytes(peak), peer: megabytes(planMemory),
		goal: "≤ 1 GiB", ok: judge(peak <= planMemory),
	})
	return nil
}

// planAndWeigh settles the first state, plans the second, and prints the most memory that it held.
func planAndWeigh(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 4 {
		return fmt.Errorf("usage: %s DIR BEFORE AFTER ROWS", planCommand)
	}
	rows, err := strconv.ParseInt(args[3], 10, 64)
	if err != nil {
		return fmt.Errorf("reading the number of rows: %w", err)
	}
	p := &planner{
		model: dataset{rows: rows, before: args[1], after: args[2]}, stream: true, engine: plan.New(plan.Options{}),
		settled: filepath.Join(args[0], "settled"), work: filepath.Join(args[0], "work"),
	}
	if err := errors.Join(remake(p.settled), remake(p.work)); err != nil {
		return err
	}
	staged, err := p.stage(ctx, p.model.before, p.settled)
	if err != nil {
		return err
	}
	p.baseline = plan.Baseline{Files: staged.Files, Layout: staged.Layout, Rows: staged.Kept}
	if err := p.plan(ctx); err != nil {
		return err
	}
	return printPeak(out)
}
