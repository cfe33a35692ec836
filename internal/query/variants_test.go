package query_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sourcetest"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/postgres"
	"github.com/millrace/millrace/test/services"
)

// speaking is a warehouse in another dialect.
type speaking struct {
	connector.Warehouse

	dialect query.Dialect
}

func (s speaking) Dialect() query.Dialect { return s.dialect }

// What is written otherwise for databases that do not run here yields the same rows where it can run.
//
// Req: SY-48
func TestVariants(t *testing.T) {
	t.Parallel()
	for name, d := range query.Variants(query.Postgres) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := openPostgres(t)
			if _, err := w.Execute(t.Context(), connector.Query{SQL: query.Postgres.Command(query.CreateSchema{Name: "suite"})}); err != nil {
				t.Fatal(err)
			}
			sourcetest.Dialect(t, speaking{w, d}, "suite")
		})
	}
}

func openPostgres(t *testing.T) connector.Warehouse {
	t.Helper()
	u, err := url.Parse(services.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	info := postgres.Info()
	password, _ := u.User.Password()
	settings := connector.Settings{"host": u.Hostname(), "port": port, "database": u.Path[1:], "user": u.User.Username(), "password": password, "sslMode": "disable"}
	src, err := info.Open(connector.SourceOptions{Settings: settings.WithDefaults(info.Fields), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() }) //nolint:errcheck // the test is over
	return src.(connector.Warehouse)
}

// A person's common table expressions are taken off the beginning, whatever hides in them.
//
// Req: M-18
func TestSplitWith(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string][2]string{
		"SELECT 1":                              {"", "SELECT 1"},
		"WITH a AS (SELECT 1) SELECT * FROM a":  {"a AS (SELECT 1)", "SELECT * FROM a"},
		"/* x */ with\n[a] (n) as (select 1) x": {"[a] (n) as (select 1)", "x"},
		"WITH a AS (SELECT ')' AS b), c AS (SELECT [)] FROM a) SELECT 1": {"a AS (SELECT ')' AS b), c AS (SELECT [)] FROM a)", "SELECT 1"},
		"WITH a AS (SELECT 'it''s)' -- )\n/* ) /* ) */ ) */) SELECT 1":   {"a AS (SELECT 'it''s)' -- )\n/* ) /* ) */ ) */)", "SELECT 1"},
		"WITH a AS (SELECT (1)) -- last\nSELECT 1":                       {"a AS (SELECT (1))", "SELECT 1"},
		`WITH "a ""b" AS (SELECT 1) SELECT 2`:                            {`"a ""b" AS (SELECT 1)`, "SELECT 2"},
		"WITH a AS (SELECT 1":                                            {"", "WITH a AS (SELECT 1"},
		"WITH a AS (SELECT 'x":                                           {"", "WITH a AS (SELECT 'x"},
		"WITH XMLNAMESPACES ('u' AS n) SELECT 1":                         {"", "WITH XMLNAMESPACES ('u' AS n) SELECT 1"},
		"WITHOUT":                                                        {"", "WITHOUT"},
		"WITH":                                                           {"", "WITH"},
	} {
		if definitions, rest := query.SplitWith(sql); definitions != want[0] || rest != want[1] {
			t.Errorf("%q is split into %q and %q, want %q", sql, definitions, rest, want)
		}
	}
}

// A row of many columns has a digest, although a function takes only so many arguments.
func TestDigestOfManyColumns(t *testing.T) {
	t.Parallel()
	columns := make([]query.Expr, 450)
	for i := range columns {
		columns[i] = query.Col("c" + strconv.Itoa(i))
	}
	sql := query.SQLServer.Expr(query.Hash(columns...))
	for _, start := range indexes(sql, "CONCAT(") {
		if n := arguments(sql[start:]); n > 254 {
			t.Errorf("CONCAT has %d arguments; 254 is the most", n)
		}
	}
	for _, c := range columns {
		if !strings.Contains(sql, query.SQLServer.Expr(c)+" IS NULL") {
			t.Errorf("%s is missing", query.SQLServer.Expr(c))
		}
	}
}

func indexes(sql, word string) []int {
	var all []int
	for i := range sql {
		if strings.HasPrefix(sql[i:], word) {
			all = append(all, i+len(word))
		}
	}
	return all
}

// arguments counts what stands between commas up to the parenthesis that closes.
func arguments(sql string) int {
	n, depth := 1, 0
	for _, r := range sql {
		switch r {
		case '(':
			depth++
		case ')':
			if depth--; depth < 0 {
				return n
			}
		case ',':
			if depth == 0 {
				n++
			}
		}
	}
	return n
}

// A person's order goes where it means nothing, and stays where it decides which rows there are.
//
// Req: M-18
func TestUnordered(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT a FROM t":                                  "SELECT a FROM t",
		"SELECT a FROM t\norder  by a DESC, b":             "SELECT a FROM t",
		"SELECT a FROM t -- ORDER BY x\n ORDER BY a -- b":  "SELECT a FROM t -- ORDER BY x",
		"SELECT 'ORDER BY' AS [ORDER BY] FROM t":           "SELECT 'ORDER BY' AS [ORDER BY] FROM t",
		"SELECT row_number() OVER (ORDER BY a) FROM t":     "SELECT row_number() OVER (ORDER BY a) FROM t",
		"SELECT TOP 5 a FROM t ORDER BY a":                 "SELECT TOP 5 a FROM t ORDER BY a",
		"SELECT a FROM t ORDER BY a OFFSET 5 ROWS":         "SELECT a FROM t ORDER BY a OFFSET 5 ROWS",
		"SELECT a FROM t ORDER BY a FOR JSON AUTO":         "SELECT a FROM t ORDER BY a FOR JSON AUTO",
		"SELECT a FROM t ORDER BY a OPTION (RECOMPILE)":    "SELECT a FROM t ORDER BY a OPTION (RECOMPILE)",
		"SELECT (SELECT TOP 1 b FROM u ORDER BY b) FROM t": "SELECT (SELECT TOP 1 b FROM u ORDER BY b) FROM t",
		"SELECT 'x ORDER BY a":                             "SELECT 'x ORDER BY a",
		"SELECT (1 ORDER BY a":                             "SELECT (1 ORDER BY a",
		"SELECT é, border FROM t ORDER BY é":               "SELECT é, border FROM t",
	} {
		if got := query.Unordered(sql); got != want {
			t.Errorf("%q became %q, want %q", sql, got, want)
		}
	}
}

// Whatever a person writes is taken as it is or put together again from its parts, and nothing is lost but what stands
// between the two.
func FuzzSplitWith(f *testing.F) {
	f.Add("WITH a AS (SELECT 1) SELECT * FROM a")
	f.Add("with [a] as (select '/*' --\n) , b(c) as ((1)) x")
	f.Fuzz(func(t *testing.T, sql string) {
		definitions, rest := query.SplitWith(sql)
		if definitions == "" && rest != sql {
			t.Errorf("%q became %q", sql, rest)
		}
		if len(definitions)+len(rest) > len(sql) {
			t.Errorf("%q grew to %q and %q", sql, definitions, rest)
		}
	})
}
