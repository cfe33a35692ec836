package query_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver of the temporary tables

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

// What a database lacks is an error that says why, and nothing else is taken for one.
func TestBuild(t *testing.T) {
	t.Parallel()
	matches := query.Values(query.Int(1).As("a")).Where(query.Text("a").Matches("b"))
	if _, err := query.SQLServer.Build(matches); !fault.Is(err, fault.CodeInvalid) || !strings.Contains(err.Error(), "2025") {
		t.Errorf("SQL Server has regular expressions: %v", err)
	}
	if sql, err := query.DuckDB.Build(matches); err != nil || sql != `SELECT 1 AS "a" WHERE regexp_matches('a', 'b')` {
		t.Errorf("%s, %v", sql, err)
	}
	quoted := query.Document{Value: query.Col("d"), Native: "varchar"}.Text(query.In(`a"b`))
	if _, err := query.Trino.Build(query.Values(quoted.As("a"))); !fault.Is(err, fault.CodeInvalid) {
		t.Errorf("a path of Trino has a quote: %v", err)
	}
	mixed := query.StringAgg(query.Col("a"), ",", query.Asc(query.Col("b")), query.Desc(query.Col("c")))
	if _, err := query.ClickHouse.Build(query.Values(mixed.As("a"))); !fault.Is(err, fault.CodeInvalid) {
		t.Errorf("ClickHouse sorts in two directions: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a mistake of the program was taken for a lack")
		}
	}()
	full := query.From(query.Table(query.TableRef{Name: "a"})).FullJoin(query.Table(query.TableRef{Name: "b"}), query.Expr{}).Limit(1)
	_, _ = query.DuckDB.Build(full) //nolint:errcheck // it panics
}

// A temporary table is there for its session, and gone when it is dropped.
func TestTemporaryTables(t *testing.T) {
	t.Parallel()
	c, err := mysql.ParseDSN(services.MariaDB(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		driver, address string
		dialect         query.Dialect
	}{
		{"duckdb", "", query.DuckDB}, {"pgx", services.Postgres(t), query.Postgres}, {"mysql", c.FormatDSN(), query.MySQL},
	} {
		db, err := sql.Open(s.driver, s.address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() }) //nolint:errcheck // the test is over
		session, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = session.Close() }) //nolint:errcheck // the test is over
		table := s.dialect.Temporary("of the session")
		create := query.CreateTemporary{Name: "of the session", Query: query.Values(query.Int(7).As("id"))}
		for range 2 {
			if _, err := session.ExecContext(t.Context(), query.Comment("tagged")+s.dialect.Command(create)); err != nil {
				t.Fatalf("%s: %v", s.driver, err)
			}
			var n int
			if err := session.QueryRowContext(t.Context(), query.Comment("tagged */")+s.dialect.SelectTable(table)).Scan(&n); err != nil || n != 7 {
				t.Errorf("%s: %d, %v", s.driver, n, err)
			}
			if _, err := session.ExecContext(t.Context(), s.dialect.Command(query.DropTable{Table: table})); err != nil {
				t.Errorf("%s: %v", s.driver, err)
			}
		}
	}
}

// Periods are those of a calendar on the wall.
func TestPeriods(t *testing.T) {
	t.Parallel()
	berlin, err := query.ZoneOf("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		m, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	now := at("2024-06-03T10:30:00+02:00") // a Monday
	for name, c := range map[string]struct {
		got      query.Period
		from, to string
	}{
		"two calendar months": {query.Previous(now, 2, query.Month, berlin), "2024-04-01T00:00:00+02:00", "2024-06-01T00:00:00+02:00"},
		"rolling months":      {query.Rolling(now, 2, query.Month), "2024-04-03T08:30:00Z", "2024-06-03T08:30:00Z"},
		"rolling days":        {query.Rolling(now, 30, query.Day), "2024-05-04T08:30:00Z", "2024-06-03T08:30:00Z"},
		"rolling hours":       {query.Rolling(now, 5, query.Hour), "2024-06-03T03:30:00Z", "2024-06-03T08:30:00Z"},
		"short months":        {query.Rolling(at("2024-03-31T12:00:00Z"), 1, query.Month), "2024-02-29T12:00:00Z", "2024-03-31T12:00:00Z"},
		"a leap day":          {query.Rolling(at("2024-02-29T12:00:00Z"), 1, query.Year), "2023-02-28T12:00:00Z", "2024-02-29T12:00:00Z"},
		"last week":           {query.Previous(now, 1, query.Week, berlin), "2024-05-27T00:00:00+02:00", "2024-06-03T00:00:00+02:00"},
		"a week's Sunday":     {query.This(at("2024-06-02T23:59:59+02:00"), query.Week, berlin), "2024-05-27T00:00:00+02:00", "2024-06-03T00:00:00+02:00"},
		"this week":           {query.This(now, query.Week, berlin), "2024-06-03T00:00:00+02:00", "2024-06-10T00:00:00+02:00"},
		"a short day":         {query.This(at("2024-03-31T12:00:00+02:00"), query.Day, berlin), "2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00"},
		"a quarter":           {query.Previous(now, 1, query.Quarter, berlin), "2024-01-01T00:00:00+01:00", "2024-04-01T00:00:00+02:00"},
		"a year":              {query.Previous(now, 1, query.Year, berlin), "2023-01-01T00:00:00+01:00", "2024-01-01T00:00:00+01:00"},
		"an hour":             {query.Previous(now, 1, query.Hour, berlin), "2024-06-03T09:00:00+02:00", "2024-06-03T10:00:00+02:00"},
		"a minute":            {query.This(now, query.Minute, berlin), "2024-06-03T10:30:00+02:00", "2024-06-03T10:31:00+02:00"},
		"a day that began on the day before in UTC": {query.This(at("2024-06-03T00:10:00+02:00"), query.Day, berlin), "2024-06-03T00:00:00+02:00", "2024-06-04T00:00:00+02:00"},
	} {
		if !c.got.From.Equal(at(c.from)) || !c.got.To.Equal(at(c.to)) {
			t.Errorf("%s: from %s to %s, want %s to %s", name, c.got.From, c.got.To, c.from, c.to)
		}
	}
}

// Buckets are alike in size, and shares that border on each other have no text in common and lack none.
func TestShares(t *testing.T) {
	t.Parallel()
	const texts, buckets = 20_000, 20
	counts := map[int64]int{}
	for i := range texts {
		counts[query.BucketOf(value.OfInt(int64(i)).String(), "split", buckets)]++
	}
	for b := range int64(buckets) {
		if n := counts[b]; n < 850 || n > 1150 { // five standard deviations
			t.Errorf("bucket %d has %d of %d", b, n, texts)
		}
	}
	e := query.Text("a")
	low, high := query.DuckDB.Expr(query.InShare(e, "s", 0, 12.5)), query.DuckDB.Expr(query.InShare(e, "s", 12.5, 100))
	if !strings.HasSuffix(low, "< 125000") || !strings.Contains(high, ">= 125000") || !strings.HasSuffix(high, "< 1000000") {
		t.Errorf("%s\n%s", low, high)
	}
}

// A path is read as people write it.
func TestParsePath(t *testing.T) {
	t.Parallel()
	d := query.Document{Value: query.Col("d"), Native: "json"}
	if got, want := query.DuckDB.Expr(d.Text(query.ParsePath("a.b c.0")...)), `json_extract_string("d", '$."a"."b c"[0]')`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
