package postgres_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/postgres"
	"github.com/millrace/millrace/internal/value"
)

const (
	benchRows = 200_000
	benchURL  = "MILLRACE_BENCH_POSTGRES_URL" // another server than the tests' own, which does not flush to disk
)

var benchColumns = []string{"id", "email", "first_name", "last_name", "company", "active", "balance", "created_at", "birthday", "country"}

const benchTable = `(id bigint PRIMARY KEY, email text, first_name text, last_name text, company text, active boolean, balance numeric, created_at timestamptz, birthday date, country text)`

func benchValues(n int) []connector.Row {
	rows := make([]connector.Row, n)
	for i := range rows {
		id := value.OfInt(int64(i))
		rows[i] = connector.Row{Ordinal: int64(i), Key: strconv.Itoa(i), Match: []value.Value{id}, Values: []value.Value{
			id, value.OfText(fmt.Sprintf("person.%d@example.com", i)), value.OfText("Zoë"), value.OfText("O'Neill-Smith"), value.OfText("Example, Inc."),
			value.OfBool(i%2 == 0), value.OfDecimal(fmt.Sprintf("%d.%02d", i, i%100)), value.OfMicros(1_700_000_000_000_000 + int64(i)*1_000_000),
			value.OfDay(int32(i % 20000)), value.OfText("DE"),
		}}
	}
	return rows
}

// peerValues are the same rows as a program that uses the driver by hand would have them.
func peerValues(rows []connector.Row) [][]any {
	out := make([][]any, len(rows))
	for i, r := range rows {
		v := r.Values
		out[i] = []any{v[0].Int(), v[1].Raw(), v[2].Raw(), v[3].Raw(), v[4].Raw(), v[5].Bool(), v[6].Float(), v[7].Time(), v[8].Time(), v[9].Raw()}
	}
	return out
}

func benchWorld(b *testing.B) *world {
	b.Helper()
	if url := os.Getenv(benchURL); url != "" {
		return worldAt(b, url)
	}
	return newWorld(b)
}

// BenchmarkUpsert updates half of the rows and adds the other half, beside COPY into a temporary table and
// INSERT ... ON CONFLICT by hand in one transaction.
func BenchmarkUpsert(b *testing.B) {
	w := benchWorld(b)
	rows := benchValues(benchRows)
	peer := peerValues(rows)
	half := func() {
		w.exec(b, "DROP TABLE IF EXISTS bench; CREATE TABLE bench "+benchTable)
		if _, err := w.pool.CopyFrom(b.Context(), pgx.Identifier{"bench"}, benchColumns, pgx.CopyFromRows(peer[:benchRows/2])); err != nil {
			b.Fatal(err)
		}
		w.exec(b, "VACUUM ANALYZE bench")
	}
	compare(b, w, half, func() { peerUpsert(b, w, peer) }, func() { deliver(b, w, job("bench", connector.ModeUpsert, "id", benchColumns...), rows) })
}

// BenchmarkInsert adds rows to an empty table with a primary key, beside the driver's own COPY.
func BenchmarkInsert(b *testing.B) {
	w := benchWorld(b)
	rows := benchValues(benchRows)
	peer := peerValues(rows)
	empty := func() { w.exec(b, "DROP TABLE IF EXISTS bench; CREATE TABLE bench "+benchTable) }
	compare(b, w, empty, func() {
		if _, err := w.pool.CopyFrom(b.Context(), pgx.Identifier{"bench"}, benchColumns, pgx.CopyFromRows(peer)); err != nil {
			b.Fatal(err)
		}
	}, func() { deliver(b, w, job("bench", connector.ModeInsert, "", benchColumns...), rows) })
}

// compare runs the peer and ours in turns and reports both and their ratio.
func compare(b *testing.B, w *world, prepare, peer, ours func()) {
	b.Helper()
	var peerTime, ourTime time.Duration
	n := 0
	measure := func(total *time.Duration, run func()) {
		prepare()
		start := time.Now()
		run()
		*total += time.Since(start)
	}
	for b.Loop() {
		measure(&peerTime, peer)
		measure(&ourTime, ours)
		n++
	}
	if got := w.text(b, "SELECT count(*) FROM bench"); got != fmt.Sprintf("(%d)", benchRows) {
		b.Fatalf("%s rows", got)
	}
	all := float64(n * benchRows)
	b.ReportMetric(all/peerTime.Seconds(), "peer-rows/s")
	b.ReportMetric(all/ourTime.Seconds(), "rows/s")
	b.ReportMetric(peerTime.Seconds()/ourTime.Seconds(), "ratio")
}

func peerUpsert(b *testing.B, w *world, rows [][]any) {
	b.Helper()
	err := pgx.BeginFunc(b.Context(), w.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(b.Context(), "CREATE TEMP TABLE stage (LIKE bench) ON COMMIT DROP"); err != nil {
			return err
		}
		if _, err := tx.CopyFrom(b.Context(), pgx.Identifier{"stage"}, benchColumns, pgx.CopyFromRows(rows)); err != nil {
			return err
		}
		var set []string
		for _, c := range benchColumns[1:] {
			set = append(set, c+" = excluded."+c)
		}
		_, err := tx.Exec(b.Context(), "INSERT INTO bench SELECT * FROM stage ON CONFLICT (id) DO UPDATE SET "+strings.Join(set, ", "))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

// deliver writes rows as the engine does: batches of Limits.Rows in Limits.Concurrency lanes.
func deliver(b *testing.B, w *world, j connector.SyncJob, rows []connector.Row) {
	b.Helper()
	info := postgres.Info()
	j.Settings = j.Settings.WithDefaults(info.SyncTypes[0].Fields)
	s, err := w.open(b, w.settings(b)).Begin(b.Context(), j)
	if err != nil {
		b.Fatal(err)
	}
	limits := s.Limits()
	batches := make(chan *connector.Batch, limits.Concurrency)
	var lanes sync.WaitGroup
	for range limits.Concurrency {
		lanes.Go(func() {
			for x := range batches {
				if result, err := s.Write(b.Context(), x); err != nil || len(result.Rejected) > 0 {
					b.Errorf("%v %v", err, result.Rejected)
				}
			}
		})
	}
	for from := 0; from < len(rows); from += limits.Rows {
		batches <- batch(connector.Added, rows[from:min(from+limits.Rows, len(rows))]...)
	}
	close(batches)
	lanes.Wait()
	if err := s.Finish(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// batch is rows with an id of their own.
func batch(op connector.Operation, rows ...connector.Row) *connector.Batch {
	return &connector.Batch{
		ID: fmt.Sprintf("%s-%s-%d", op, rows[0].Key, len(rows)), Operation: op, Rows: rows,
		Checkpoint: func(context.Context, string) error { return nil },
	}
}
