package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/millrace/millrace/internal/blob"
	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/engine/sync/plan"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/secret"
	"github.com/millrace/millrace/internal/source/duckdb"
	"github.com/millrace/millrace/internal/source/file"
)

// runTime is the goal of a run without a change, in times of reading, comparing and a snapshot by hand.
const runTime = 2

// running runs a sync of a file to a destination that takes everything, with the database and the storage of a
// server. The first run sends all rows; those that are compared find no change.
func running(ctx context.Context, b *bench) (err error) {
	dir := filepath.Join(b.dir, "run")
	m, err := makeModel(ctx, dir, b.size(10_000_000))
	if err != nil {
		return err
	}
	m.before = m.after
	hand, err := newPlanner(ctx, dir, m, false)
	if err != nil {
		return err
	}
	r, err := newRunner(ctx, dir, m)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	first, err := meter{}.time(func() error { return r.run(ctx, m.rows) })
	if err != nil {
		return err
	}
	b.add(result{group: "run", what: "the first run, which sends every row", rows: m.rows, ours: rate(m.rows, wall(first)), peer: "–", wall: "–", cpu: fmt.Sprintf("%.2f s", cpu(first)), ok: info})
	s, err := pair{rounds: b.rounds, prepare: hand.clean, peer: func() error { return hand.byHand(ctx) }, ours: func() error { return r.run(ctx, 0) }}.run()
	if err != nil {
		return err
	}
	b.add(s.atMost(runTime, m.rows, "run", "a run without a change"))
	return nil
}

// runner is a server without its API.
type runner struct {
	db      *db.DB
	bucket  *blob.Bucket
	store   *run.Store
	engine  *run.Engine
	bundle  run.Bundle
	closers []func() error
}

const workspace = 1

func newRunner(ctx context.Context, dir string, m dataset) (_ *runner, err error) {
	r := &runner{}
	home := filepath.Join(dir, "home")
	if r.db, err = db.Open(ctx, db.Config{Home: home}); err != nil {
		return nil, err
	}
	r.closers = append(r.closers, r.db.Close)
	if err := r.db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, r.close())
	}
	key, err := secret.LoadKey("", home)
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	if r.bucket, err = blob.Open(ctx, "", home, key); err != nil {
		return nil, errors.Join(err, r.close())
	}
	r.closers = append(r.closers, r.bucket.Close)
	r.store = run.NewStore(r.db, clock.System{})
	r.bundle = bundleOf(m)
	r.engine = run.New(run.EngineOptions{
		Store: r.store, Documents: r, Registry: connector.New([]connector.SourceInfo{file.Info(duckdb.Reach{})}, []connector.DestinationInfo{takerInfo()}),
		Storage: r.bucket, Planner: plan.New(plan.Options{}), Enqueuer: r, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
		Dir: filepath.Join(home, "work"), Owner: "bench", Retention: time.Hour,
	})
	return r, nil
}

func (r *runner) close() error {
	var errs []error
	for _, c := range slices.Backward(r.closers) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

func bundleOf(m dataset) run.Bundle {
	meta := func(id int64) run.Meta { return run.Meta{ID: id, Slug: "people", Name: "People", Revision: 1} }
	b := run.Bundle{
		Sync: meta(1), Model: meta(2), Source: meta(3), Destination: meta(4),
		SourceSpec:      source.Spec{Type: "file", Configuration: map[string]any{"path": m.after}},
		ModelSpec:       model.Spec{Source: "people", Method: model.MethodTable, Table: &query.TableRef{Name: "people"}, PrimaryKey: "id"},
		DestinationSpec: destination.Spec{Type: takerSlug},
		SyncSpec:        sync.Spec{Model: "people", Destination: "people", Type: takerSlug, Mode: connector.ModeUpsert, Delete: connector.DeleteRecord},
	}
	for _, c := range peopleColumns {
		b.SyncSpec.Mappings = append(b.SyncSpec.Mappings, sync.Mapping{To: c, From: c})
	}
	return b
}

// Bundle returns the documents of the one sync.
func (r *runner) Bundle(context.Context, int64, int64) (run.Bundle, error) { return r.bundle, nil }

// Enqueue does nothing: run calls the engine itself.
func (r *runner) Enqueue(context.Context, bun.Tx, int64) error { return nil }

// run runs the sync once and makes sure that it sent so many rows.
func (r *runner) run(ctx context.Context, want int64) error {
	made, err := r.store.Trigger(ctx, run.Request{WorkspaceID: workspace, SyncID: r.bundle.Sync.ID, SyncSlug: r.bundle.Sync.Slug, Trigger: run.TriggerManual}, r)
	if err != nil {
		return err
	}
	if err := r.engine.Execute(ctx, made.ID); err != nil {
		return err
	}
	done, err := r.store.Get(ctx, workspace, made.ID)
	if err != nil {
		return err
	}
	if done.State != run.Committed || done.Counts.Succeeded.Total() != want {
		return fmt.Errorf("the run is %s with %+v: %+v", done.State, done.Counts, done.Failure)
	}
	return nil
}

const takerSlug = "taker"

// takerInfo describes a destination that takes every row at once.
func takerInfo() connector.DestinationInfo {
	return connector.DestinationInfo{
		Slug: takerSlug, SyncTypes: []connector.SyncType{{Slug: takerSlug}},
		Open: func(connector.DestinationOptions) (connector.Destination, error) { return taker{}, nil },
	}
}

type taker struct{}

var (
	_ connector.Destination = taker{}
	_ connector.Session     = taker{}
)

// Test does nothing.
func (taker) Test(context.Context) error { return nil }

// Check accepts every job.
func (taker) Check(connector.SyncJob) error { return nil }

// Begin returns the destination itself.
func (taker) Begin(context.Context, connector.SyncJob) (connector.Session, error) {
	return taker{}, nil
}

// Limits are those of a database.
func (taker) Limits() connector.Limits {
	return connector.Limits{Rows: 10_000, Concurrency: 4, Idempotency: connector.Idempotent}
}

// Write takes every row.
func (taker) Write(context.Context, *connector.Batch) (connector.Result, error) {
	return connector.Result{}, nil
}

// Finish does nothing.
func (taker) Finish(context.Context) error { return nil }

// Close does nothing.
func (taker) Close() error { return nil }
