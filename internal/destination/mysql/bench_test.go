package mysql_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// BenchmarkUpsert writes rows of ten columns, half of which exist, in batches of the default size, and does the same by
// hand with the driver: one prepared statement for each row, in one transaction.
func BenchmarkUpsert(b *testing.B) {
	const size = 20_000
	w := newWorld(b)
	for _, way := range []string{"by hand", "insert", "load"} {
		b.Run(way, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				names := []string{"id"}
				for i := range 9 {
					names = append(names, "c"+strconv.Itoa(i))
				}
				w.exec(b, "DROP TABLE IF EXISTS bench; CREATE TABLE bench (id int PRIMARY KEY, "+strings.Join(names[1:], " varchar(100), ")+" varchar(100))")
				j := job("bench", connector.ModeUpsert, "id", names...)
				if way == "load" {
					maps.Copy(j.Settings, ways["load"])
				}
				rows := make([]connector.Row, size)
				for i := range rows {
					values := []value.Value{num(int64(i))}
					for k := range 9 {
						values = append(values, text(fmt.Sprintf("the value %d of the row %d", k, i)))
					}
					rows[i] = connector.Row{Key: strconv.Itoa(i), Values: values, Match: values[:1]}
					if i%2 == 0 {
						w.exec(b, "INSERT INTO bench (id) VALUES (?)", i)
					}
				}
				b.StartTimer()
				started := time.Now()
				if way == "by hand" {
					w.byHand(b, names, rows)
				} else {
					w.write(b, j, rows)
				}
				b.ReportMetric(size/time.Since(started).Seconds(), "rows/s")
			}
		})
	}
}

func (w *world) write(b *testing.B, j connector.SyncJob, rows []connector.Row) {
	b.Helper()
	info := mariadb()
	d, err := info.Open(connector.DestinationOptions{Settings: w.settings(b).WithDefaults(info.Fields), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	s, err := d.Begin(b.Context(), j)
	if err != nil {
		b.Fatal(err)
	}
	for n := s.Limits().Rows; len(rows) > 0; rows = rows[min(n, len(rows)):] {
		if result, err := s.Write(b.Context(), batch(connector.Added, rows[:min(n, len(rows))]...)); err != nil || len(result.Rejected) > 0 {
			b.Fatal(err, result)
		}
	}
	if err := s.Finish(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := d.Close(); err != nil {
		b.Fatal(err)
	}
}

func (w *world) byHand(b *testing.B, names []string, rows []connector.Row) {
	b.Helper()
	ctx := context.WithoutCancel(b.Context())
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		b.Fatal(err)
	}
	var set []string
	for _, n := range names[1:] {
		set = append(set, n+" = VALUES("+n+")")
	}
	st, err := tx.PrepareContext(ctx, "INSERT INTO bench ("+strings.Join(names, ", ")+") VALUES (?"+strings.Repeat(", ?", len(names)-1)+") ON DUPLICATE KEY UPDATE "+strings.Join(set, ", "))
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close() //nolint:errcheck // it goes with its transaction
	for _, r := range rows {
		args := make([]any, len(r.Values))
		for i, v := range r.Values {
			args[i] = v.String()
		}
		if _, err := st.ExecContext(ctx, args...); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}
