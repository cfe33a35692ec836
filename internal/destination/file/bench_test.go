package file

import (
	"fmt"
	"maps"
	"strconv"
	"testing"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/file/filetest"
	"github.com/millrace/millrace/internal/value"
)

// tenColumns are of the kinds that customers' tables have.
var tenColumns = []connector.TargetColumn{
	{Name: "id", From: "id", Type: value.TypeNumber},
	{Name: "email", From: "email", Type: value.TypeString},
	{Name: "first_name", From: "first_name", Type: value.TypeString},
	{Name: "last_name", From: "last_name", Type: value.TypeString},
	{Name: "company", From: "company", Type: value.TypeString},
	{Name: "active", From: "active", Type: value.TypeBoolean},
	{Name: "balance", From: "balance", Type: value.TypeNumber},
	{Name: "created_at", From: "created_at", Type: value.TypeTimestamp},
	{Name: "birthday", From: "birthday", Type: value.TypeDate},
	{Name: "country", From: "country", Type: value.TypeString},
}

func tenValues(n int) []connector.Row {
	rows := make([]connector.Row, n)
	for i := range rows {
		rows[i] = connector.Row{Key: strconv.Itoa(i), Values: []value.Value{
			value.OfInt(int64(i)),
			value.OfText(fmt.Sprintf("person.%d@example.com", i)),
			value.OfText("Zoë"),
			value.OfText("O'Neill-Smith"),
			value.OfText("Example, Inc."),
			value.OfBool(i%2 == 0),
			value.OfDecimal(fmt.Sprintf("%d.%02d", i, i%100)),
			value.OfMicros(1_700_000_000_000_000 + int64(i)*1_000_000),
			value.OfDay(int32(i % 20000)),
			value.OfText("DE"),
		}}
	}
	return rows
}

// BenchmarkSession measures rows of ten columns from Write to published file, in one goroutine.
func BenchmarkSession(b *testing.B) {
	for _, format := range filetest.Formats {
		b.Run(format, func(b *testing.B) { benchmarkSession(b, format, connector.ModeAll, nil) })
	}
	b.Run("ndjson gzip", func(b *testing.B) {
		benchmarkSession(b, formatNDJSON, connector.ModeAll, connector.Settings{"gzip": true})
	})
	b.Run("ndjson insert", func(b *testing.B) { benchmarkSession(b, formatNDJSON, connector.ModeInsert, nil) })
}

func benchmarkSession(b *testing.B, format string, mode connector.Mode, extra connector.Settings) {
	b.Helper()
	job := filetest.Job(format, tenColumns)
	job.Mode = mode
	maps.Copy(job.Settings, extra)
	s, err := Begin(Options{Place: &shelf{drop: true}, Dir: b.TempDir(), Clock: clock.System{}}, job)
	if err != nil {
		b.Fatal(err)
	}
	rows := tenValues(batchRows)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if _, err := s.Write(b.Context(), &connector.Batch{ID: strconv.Itoa(n), Operation: connector.Added, Rows: rows}); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if err := s.Finish(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(n*len(rows))/b.Elapsed().Seconds(), "rows/s")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
