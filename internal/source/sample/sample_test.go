package sample

import (
	"log/slog"
	"testing"

	"github.com/millrace/millrace/internal/connector"
)

// Req: S-37, S-85, S-86, S-87, S-88
func TestSamples(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, info := range Infos() {
		t.Run(info.Slug, func(t *testing.T) {
			t.Parallel()
			if !info.Sample || len(info.Fields) != 0 || len(info.Queries) != 3 || len(info.Engines) != 1 {
				t.Errorf("%+v", info)
			}
			s, err := info.Open(connector.SourceOptions{Dir: dir + "/" + info.Slug, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Test(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, q := range info.Queries {
				if n := count(t, s, q.SQL); n == 0 {
					t.Errorf("%s returns no row", q.Title)
				} else {
					t.Logf("%s: %d rows", q.Title, n)
				}
			}
			tables, err := s.Introspect(t.Context())
			if err != nil || len(tables) < 4 {
				t.Errorf("%d tables: %v", len(tables), err)
			}
			if info.Slug == "sample-b2c" {
				if n := count(t, s, "SELECT * FROM public.customers"); n < 50_000 {
					t.Errorf("%d customers", n)
				}
				if n := count(t, s, "SELECT * FROM public.events"); n < 500_000 {
					t.Errorf("%d events", n)
				}
				if n := count(t, s, "SELECT email FROM public.customers GROUP BY email HAVING count(*) > 1"); n > 0 {
					t.Errorf("%d email addresses are not unique", n)
				}
			}
		})
	}
}

func count(t *testing.T, s connector.Source, sql string) int64 {
	t.Helper()
	r, err := s.Query(t.Context(), connector.Query{SQL: sql})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var n int64
	for r.Next() {
		n += r.RecordBatch().NumRows()
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return n
}
