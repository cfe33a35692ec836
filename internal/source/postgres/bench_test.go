package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/millrace/millrace/internal/connector"
)

const (
	benchmarkRows = 500_000
	benchmarkSQL  = "SELECT id, email, name, amount, active, score, day, seen FROM bench"
	benchmarkData = `
CREATE TABLE bench AS
SELECT g::bigint AS id, 'customer' || g || '@example.com' AS email, 'First Last ' || g AS name, (g * 1.25)::numeric(12, 2) AS amount, g % 3 = 0 AS active,
       g / 7.0::float8 AS score, DATE '2020-01-01' + g % 2000 AS day, TIMESTAMPTZ '2020-01-01 00:00:00Z' + g * INTERVAL '1 second' AS seen
FROM generate_series(1, 500000) g`
)

// BenchmarkScan reads 500,000 rows of 8 columns through the source and by a bare row scan of the driver, one after
// the other, and reports how many times as fast the source is.
func BenchmarkScan(b *testing.B) {
	settings, config := place(b, "")
	for _, s := range []string{benchmarkData, "VACUUM ANALYZE bench"} {
		execute(b, config, s)
	}
	source := openAt(b, settings)
	driver, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		b.Fatal(err)
	}
	defer driver.Close(context.Background()) //nolint:errcheck // a benchmark's connection
	var ours, bare time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		scanBare(b, driver)
		middle := time.Now()
		scanSource(b, source)
		bare, ours = bare+middle.Sub(start), ours+time.Since(middle)
	}
	b.ReportMetric(bare.Seconds()/ours.Seconds(), "x-of-bare-scan")
	b.ReportMetric(float64(benchmarkRows)*float64(b.N)/ours.Seconds(), "rows/s")
	b.ReportMetric(float64(benchmarkRows)*float64(b.N)/bare.Seconds(), "bare-rows/s")
}

func scanBare(b *testing.B, c *pgx.Conn) {
	b.Helper()
	rows, err := c.Query(context.Background(), benchmarkSQL)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var id int64
	var email, name string
	var amount pgtype.Numeric
	var active bool
	var score float64
	var day, seen time.Time
	n := 0
	for ; rows.Next(); n++ {
		if err := rows.Scan(&id, &email, &name, &amount, &active, &score, &day, &seen); err != nil {
			b.Fatal(err)
		}
	}
	if rows.Err() != nil || n != benchmarkRows {
		b.Fatalf("%d rows: %v", n, rows.Err())
	}
}

func scanSource(b *testing.B, s connector.Source) {
	b.Helper()
	r, err := s.Query(context.Background(), connector.Query{SQL: benchmarkSQL})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Release()
	var n int64
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	if r.Err() != nil || n != benchmarkRows {
		b.Fatalf("%d rows: %v", n, r.Err())
	}
}
