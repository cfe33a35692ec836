package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/internal/connector"
)

const (
	benchmarkRows = 1_000_000
	benchmarkSQL  = "SELECT id, email, name, city, amount, active, score, visits, day, seen FROM bench"
	benchmarkData = `
CREATE TABLE bench AS
SELECT seq AS id, concat('customer', seq, '@example.com') AS email, concat('First Last ', seq) AS name, 'Springfield' AS city, CAST(seq * 1.25 AS decimal(12, 2)) AS amount,
       seq %% 3 = 0 AS active, seq / 7e0 AS score, seq %% 1000 AS visits, DATE '2020-01-01' + INTERVAL seq %% 2000 DAY AS day, TIMESTAMP '2020-01-01 00:00:00' + INTERVAL seq SECOND AS seen
FROM seq_1_to_%d`
)

// BenchmarkScan reads a million rows of 10 columns through the source and by a bare row scan of the driver, one after
// the other, and reports how many times as fast the source is.
func BenchmarkScan(b *testing.B) {
	settings, _ := place(b, fmt.Sprintf(benchmarkData, benchmarkRows))
	source := openAt(b, settings)
	c := driver.NewConfig()
	c.User, c.Passwd, c.DBName, c.Net, c.ParseTime = settings.Text("user"), password, settings.Text("database"), "tcp", true
	c.Addr = settings.Text("host") + ":" + settings.Text("port")
	bareDB, err := sql.Open("mysql", c.FormatDSN())
	if err != nil {
		b.Fatal(err)
	}
	defer bareDB.Close() //nolint:errcheck // a benchmark's connection
	var ours, bare time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		scanBare(b, bareDB)
		middle := time.Now()
		scanSource(b, source)
		bare, ours = bare+middle.Sub(start), ours+time.Since(middle)
	}
	b.ReportMetric(bare.Seconds()/ours.Seconds(), "x-of-bare-scan")
	b.ReportMetric(float64(benchmarkRows)*float64(b.N)/ours.Seconds(), "rows/s")
	b.ReportMetric(float64(benchmarkRows)*float64(b.N)/bare.Seconds(), "bare-rows/s")
}

func scanBare(b *testing.B, db *sql.DB) {
	b.Helper()
	rows, err := db.QueryContext(context.Background(), benchmarkSQL)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	var id, visits int64
	var email, name, city, amount string
	var active bool
	var score float64
	var day, seen time.Time
	n := 0
	for ; rows.Next(); n++ {
		if err := rows.Scan(&id, &email, &name, &city, &amount, &active, &score, &visits, &day, &seen); err != nil {
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
