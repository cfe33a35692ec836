package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/engine/sync/plan/lightning"
	source "github.com/millrace/millrace/internal/source/postgres"
	"github.com/millrace/millrace/internal/value"
)

// lightningTime is the goal of planning in a warehouse, in times of the bare SQL.
const lightningTime = 1.3

// changedEvery: so many rows of the model have one that changed.
const changedEvery = 1000

// inWarehouse plans with the Lightning engine in PostgreSQL, beside the SQL that keeps and compares the same rows there.
func inWarehouse(ctx context.Context, b *bench) (err error) {
	s, err := startServer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop(ctx)) }()
	w, err := newWarehouse(ctx, b, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.source.Close()) }()
	diff, err := pair{rounds: b.rounds, meter: s.meter(), prepare: func() error { return w.clean(ctx) }, peer: func() error { return w.byHand(ctx) }, ours: func() error { return w.plan(ctx) }}.run()
	if err != nil {
		return err
	}
	b.add(diff.atMost(lightningTime, w.rows, "lightning", "0.1% changed, in PostgreSQL"))
	return nil
}

// warehouse is a table in PostgreSQL of which the first state was settled, by hand and by the engine.
type warehouse struct {
	server   *server
	source   connector.Warehouse
	dir      string
	rows     int64
	schema   value.Schema
	baseline plan.Baseline
	planned  int64 // runs so far
}

const (
	peopleModel   = "SELECT * FROM shop.people"
	plannerSchema = "millrace_planner"
)

func newWarehouse(ctx context.Context, b *bench, s *server) (*warehouse, error) {
	w := &warehouse{server: s, dir: filepath.Join(b.dir, "lightning"), rows: b.size(10_000_000)}
	info := source.Info()
	opened, err := info.Open(connector.SourceOptions{Settings: s.settings().WithDefaults(info.Fields), Dir: b.dir})
	if err != nil {
		return nil, err
	}
	w.source = opened.(connector.Warehouse) //nolint:forcetypeassert // PostgreSQL is one
	err = s.exec(ctx, "CREATE SCHEMA shop", "CREATE SCHEMA "+plannerSchema,
		fmt.Sprintf(`CREATE TABLE shop.people AS SELECT 'u' || lpad(i::text, 9, '0') AS id, 'person' || i || '@example.com' AS email,
			'First' || (i %% 1000) AS first_name, 'Last' || (i %% 5003) AS last_name, CASE WHEN i %% 7 <> 0 THEN (i %% 500)::integer END AS score,
			(ARRAY['free', 'basic', 'pro', 'team'])[1 + i %% 4] AS plan, ((i %% 100000) / 100.0)::numeric(12, 2) AS ltv,
			timestamp '2026-01-01' + make_interval(secs => i %% 31536000) AS updated_at FROM generate_series(1::bigint, %d) AS t(i)`, w.rows),
		"VACUUM ANALYZE shop.people", "CREATE TABLE hand_before AS "+hand(), "VACUUM ANALYZE hand_before")
	if err != nil {
		return nil, errors.Join(err, w.source.Close())
	}
	p := w.planner()
	if w.schema, err = lightning.Describe(ctx, w.source, connector.Query{SQL: peopleModel}); err != nil {
		return nil, errors.Join(err, w.source.Close())
	}
	staged, err := p.Stage(ctx, peopleModel, w.stage())
	if err != nil {
		return nil, errors.Join(err, w.source.Close())
	}
	w.baseline, err = p.Settle(ctx, plan.SettleInput{Staged: staged, Plan: &plan.Plan{Dir: w.dir}, Default: plan.Accepted, Dir: w.dir})
	if err == nil {
		err = s.exec(ctx, "VACUUM ANALYZE "+staged.Table.Schema+"."+staged.Table.Name,
			fmt.Sprintf("UPDATE shop.people SET score = 1000 WHERE substr(id, 2)::bigint %% %d = 0", changedEvery), "VACUUM ANALYZE shop.people")
	}
	if err != nil {
		return nil, errors.Join(err, w.source.Close())
	}
	return w, nil
}

// planner begins a run.
func (w *warehouse) planner() *lightning.Planner {
	w.planned++
	return lightning.New(w.source, lightning.Run{Instance: "bench", Workspace: workspace, Sync: 1, ID: w.planned, Epoch: 1}, "")
}

func (w *warehouse) stage() plan.StageInput {
	return plan.StageInput{Schema: w.schema, PrimaryKey: "id", Columns: peopleColumns, Compare: peopleColumns, Dir: w.dir}
}

// hand is the SQL of what has to be kept of the model: its key, a hash as one would write it, and its columns.
func hand() string {
	columns := strings.Join(peopleColumns, ", ")
	return "SELECT id AS _k, md5((" + columns + ")::text) AS _h, " + columns + " FROM shop.people"
}

// clean drops what a pass made.
func (w *warehouse) clean(ctx context.Context) error {
	if err := remake(w.dir); err != nil {
		return err
	}
	if err := w.server.exec(ctx, "DROP TABLE IF EXISTS hand_now, hand_diff"); err != nil {
		return err
	}
	if err := w.planner().Forget(ctx, w.baseline.Tables); err != nil {
		return err
	}
	return w.server.exec(ctx, "CHECKPOINT")
}

// byHand keeps the model, compares it with what was kept before, and reads the rows that differ.
func (w *warehouse) byHand(ctx context.Context) error {
	err := w.server.exec(ctx, "CREATE TABLE hand_now AS "+hand(),
		`CREATE TABLE hand_diff AS SELECT coalesce(n._k, b._k) AS _k, CASE WHEN b._k IS NULL THEN 'a' WHEN n._k IS NULL THEN 'r' ELSE 'c' END AS op
			FROM (SELECT _k, _h FROM hand_now) AS n FULL JOIN (SELECT _k, _h FROM hand_before) AS b ON n._k = b._k WHERE n._h IS DISTINCT FROM b._h`)
	if err != nil {
		return err
	}
	rows, err := w.server.conn.Query(ctx, "SELECT d.op, n.* FROM hand_diff AS d JOIN hand_now AS n ON n._k = d._k")
	if err != nil {
		return err //nolint:wrapcheck // the command's end
	}
	n, err := pgx.CollectRows(rows, func(pgx.CollectableRow) (struct{}, error) { return struct{}{}, nil })
	if err == nil && int64(len(n)) != w.rows/changedEvery {
		err = fmt.Errorf("%d rows differ by hand", len(n))
	}
	return err
}

// plan does what a run does.
func (w *warehouse) plan(ctx context.Context) error {
	p := w.planner()
	staged, err := p.Stage(ctx, peopleModel, w.stage())
	if err != nil {
		return err
	}
	made, err := p.Diff(ctx, plan.DiffInput{
		Staged: staged, Baseline: &w.baseline, Dir: w.dir,
		Rules: plan.ModeRules{AddedActs: true, ChangedActs: true, RemovedActs: true},
	})
	if err != nil {
		return fmt.Errorf("comparing: %w", err)
	}
	if got := made.Counts.Found; got.Changed != w.rows/changedEvery || got.Added+got.Removed != 0 {
		return fmt.Errorf("the plan has %+v", got)
	}
	_, err = p.Settle(ctx, plan.SettleInput{Staged: staged, Plan: &made, Old: &w.baseline, Default: plan.Accepted, Dir: w.dir})
	return err
}
