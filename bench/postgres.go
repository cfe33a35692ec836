package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/postgres"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

// The goals of PostgreSQL, as shares of the driver's own speed.
const (
	upsertSpeed = 0.8
	insertSpeed = 0.7
)

const peopleTable = "CREATE TABLE people (id text PRIMARY KEY, email text, first_name text, last_name text, score integer, plan text, ltv numeric(12, 2), updated_at timestamp)"

// server is a PostgreSQL that flushes to disk, and a connection to it.
type server struct {
	*services.Durable

	conn *pgx.Conn
}

func startServer(ctx context.Context) (*server, error) {
	d, err := services.StartDurablePostgres()
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, d.URL)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connecting: %w", err), d.Stop())
	}
	return &server{d, conn}, nil
}

func (s *server) stop(ctx context.Context) error {
	return errors.Join(s.conn.Close(context.WithoutCancel(ctx)), s.Stop())
}

// meter counts the processor's time of the server's processes as well.
func (s *server) meter() meter { return meter{func() time.Duration { return treeCPU(s.PID) }} }

func (s *server) exec(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := s.conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%.60s…: %w", statement, err)
		}
	}
	return nil
}

// settings are the connection's, for source and destination alike.
func (s *server) settings() connector.Settings {
	c := s.conn.Config()
	return connector.Settings{"host": c.Host, "port": float64(c.Port), "database": c.Database, "user": c.User, "sslMode": "disable"}
}

// toPostgres writes rows through the destination, beside COPY by hand.
func toPostgres(ctx context.Context, b *bench) (err error) {
	s, err := startServer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop(ctx)) }()
	w, err := newWriter(ctx, b, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()

	inserts, err := pair{meter: s.meter(), rounds: b.rounds, prepare: func() error { return w.empty(ctx) }, peer: func() error { return w.copyIn(ctx) }, ours: func() error { return w.deliver(ctx, connector.ModeInsert) }}.run()
	if err != nil {
		return err
	}
	b.add(inserts.atLeast(insertSpeed, w.all.total, "postgres", "insert, beside COPY into the table with its key"))
	upserts, err := pair{meter: s.meter(), rounds: b.rounds, prepare: func() error { return w.filled(ctx) }, peer: func() error { return w.merge(ctx) }, ours: func() error { return w.deliver(ctx, connector.ModeUpsert) }}.run()
	if err != nil {
		return err
	}
	b.add(upserts.atLeast(upsertSpeed, w.all.total, "postgres", "upsert of rows that exist, beside COPY and merge"))
	return nil
}

// writer writes the same rows by turns.
type writer struct {
	server  *server
	all     *rows
	ready   [][]any // as a program that uses the driver has them
	journal *journal
	dir     string
}

func newWriter(ctx context.Context, b *bench, s *server) (*writer, error) {
	w := &writer{server: s, dir: filepath.Join(b.dir, fmt.Sprintf("postgres-%d", s.PID))}
	m, err := makeModel(ctx, w.dir, b.size(2_000_000))
	if err != nil {
		return nil, err
	}
	if w.all, err = loadRows(ctx, m.after, "id", []connector.MatchPair{{From: "id", To: "id"}}); err != nil {
		return nil, err
	}
	if w.ready, err = driverRows(w.all); err != nil {
		return nil, err
	}
	w.journal, err = openJournal(ctx, w.dir)
	return w, err
}

func (w *writer) close() error {
	w.all.release()
	return w.journal.close()
}

func driverRows(r *rows) ([][]any, error) {
	all := make([][]any, 0, r.total)
	for _, batch := range r.batches {
		binding, err := r.bind(batch)
		if err != nil {
			return nil, err
		}
		for i := range int(batch.NumRows()) {
			binding.Row(i, connector.Added)
			v, err := binding.Values(nil)
			if err != nil {
				return nil, err
			}
			all = append(all, []any{v[0].Raw(), v[1].Raw(), v[2].Raw(), v[3].Raw(), integer(v[4]), v[5].Raw(), numeric(v[6]), v[7].Time()})
		}
	}
	return all, nil
}

func integer(v value.Value) any {
	if v.IsNull() {
		return nil
	}
	return v.Int()
}

// numeric is a decimal with two digits after the point, as the driver has it.
func numeric(v value.Value) pgtype.Numeric {
	digits, _ := new(big.Int).SetString(strings.Replace(v.String(), ".", "", 1), 10)
	return pgtype.Numeric{Int: digits, Exp: -2, Valid: true}
}

func (w *writer) empty(ctx context.Context) error {
	return w.server.exec(ctx, "DROP TABLE IF EXISTS people", peopleTable, "CHECKPOINT")
}

// filled is the table with every row that is to be written.
func (w *writer) filled(ctx context.Context) error {
	if err := w.empty(ctx); err != nil {
		return err
	}
	return errors.Join(w.copyIn(ctx), w.server.exec(ctx, "VACUUM ANALYZE people", "CHECKPOINT"))
}

func (w *writer) copyIn(ctx context.Context) error {
	_, err := w.server.conn.CopyFrom(ctx, pgx.Identifier{"people"}, peopleColumns, pgx.CopyFromRows(w.ready))
	return err
}

// merge copies into a temporary table and merges it, in one transaction.
func (w *writer) merge(ctx context.Context) error {
	return pgx.BeginFunc(ctx, w.server.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "CREATE TEMP TABLE stage (LIKE people) ON COMMIT DROP"); err != nil {
			return err //nolint:wrapcheck // the command's end
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"stage"}, peopleColumns, pgx.CopyFromRows(w.ready)); err != nil {
			return err //nolint:wrapcheck // the command's end
		}
		set := slices.Clone(peopleColumns[1:])
		for i, c := range set {
			set[i] = c + " = excluded." + c
		}
		_, err := tx.Exec(ctx, "INSERT INTO people SELECT * FROM stage ON CONFLICT (id) DO UPDATE SET "+strings.Join(set, ", "))
		return err //nolint:wrapcheck // the command's end
	})
}

// deliver writes through the destination.
func (w *writer) deliver(ctx context.Context, mode connector.Mode) (err error) {
	info := postgres.Info()
	d, err := info.Open(connector.DestinationOptions{Settings: w.server.settings().WithDefaults(info.Fields), Dir: w.dir, Clock: clock.System{}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	job := connector.SyncJob{
		SyncID: benchSync, Type: postgres.SyncTypeSlug, Mode: mode,
		Settings: connector.Settings{"table": "people", "parallel": float64(runtime.NumCPU())}.WithDefaults(info.SyncTypes[0].Fields),
		Model:    connector.ModelInfo{PrimaryKey: "id", Schema: w.all.schema},
	}
	if mode == connector.ModeUpsert {
		job.Match = []connector.MatchPair{{From: "id", To: "id"}}
	}
	return w.all.deliver(ctx, w.journal, d, job, nil)
}
