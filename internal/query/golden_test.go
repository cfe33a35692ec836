package query_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/query/dialecttest"
	"github.com/millrace/millrace/internal/value"
)

var update = flag.Bool("update", false, "rewrite the golden files; a person reviews them")

// The SQL of every construct in every dialect. What runs here is executed by the suite as well (dialecttest.Run).
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, d := range query.Dialects {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			archive := &txtar.Archive{}
			add := func(name, sql string) {
				archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(sql + "\n")})
			}
			add("create schema", d.Command(query.CreateSchema{Name: `my "schema"`}))
			for _, c := range dialecttest.Setup("suite") {
				add("setup", d.Command(c))
			}
			for _, c := range dialecttest.Cases("suite") {
				add(c.Name, d.SQL(c.Query))
			}
			for _, c := range dialecttest.Changes("suite") {
				add(c.Name, d.Command(c.Command))
			}
			for _, c := range printed {
				add(c.name, d.Expr(c.e))
			}
			add("limit of a statement", d.Limit("SELECT 1 AS a -- one;\n;", 5))
			add("count of a statement", d.Count("SELECT 1 AS a"))
			compare(t, filepath.Join("testdata", d.Name+".txtar"), txtar.Format(archive))
		})
	}
}

// printed are expressions whose form depends on a database's own types.
var printed = []struct {
	name string
	e    query.Expr
}{
	{"canonical object", query.Canonical(query.Col("c"), value.TypeObject, "anything")},
	{"canonical instant", query.Canonical(query.Col("c"), value.TypeTimestamp, "anything")},
	{"canonical boolean", query.Canonical(query.Col("c"), value.TypeBoolean, "anything")},
	{"object of every type", query.Object(
		query.Member{Name: "f", Value: query.Col("f"), Type: value.TypeNumber, Native: "double precision"}, query.Member{Name: "d", Value: query.Col("d"), Type: value.TypeNumber, Native: "DECIMAL(12,2)"},
		query.Member{Name: "j", Value: query.Col("j"), Type: value.TypeObject, Native: "json"}, query.Member{Name: "b", Value: query.Col("b"), Type: value.TypeBoolean},
	)},
	{"try cast", query.TryCast(query.Col("c"), "varchar", query.TypeInteger)},
	{"bytes", query.Value(value.OfBytes([]byte{0, 255}))},
	{"json", query.Value(value.OfJSON(`{"a":"it's \\"}`))},
	{"float", query.Value(value.OfFloat(0.1))},
	{"booleans", query.And(query.Col("c").Eq(query.Bool(true)), query.Col("c").Ne(query.Bool(false)))},
}

func compare(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs:\n%s", path, got)
	}
}

// A part of a query can be shared: what is built on it does not change it.
func TestQueriesAreValues(t *testing.T) {
	t.Parallel()
	p := query.Table(query.TableRef{Name: "p"}).As("p")
	shared := query.From(p).Where(p.Col("a").Eq(query.Int(1))).Select(p.Col("a"))
	before := query.DuckDB.SQL(shared)
	one := shared.Where(p.Col("b").Eq(query.Int(2))).Select(p.Col("b"))
	two := shared.Where(p.Col("c").Eq(query.Int(3))).Select(p.Col("c"))
	if got := query.DuckDB.SQL(shared); got != before {
		t.Errorf("the shared part became %s", got)
	}
	if a, b := query.DuckDB.SQL(one), query.DuckDB.SQL(two); a != `SELECT "p"."a", "p"."b" FROM "p" AS "p" WHERE "p"."a" = 1 AND "p"."b" = 2` ||
		b != `SELECT "p"."a", "p"."c" FROM "p" AS "p" WHERE "p"."a" = 1 AND "p"."c" = 3` {
		t.Errorf("%s\n%s", a, b)
	}
}

// Whatever a text holds, it stays one literal, and a name one identifier.
func TestQuoting(t *testing.T) {
	t.Parallel()
	for _, d := range query.Dialects {
		for _, text := range []string{"'", "''", `\'`, `\`, "a\x00b", `"`, "`", "]", "-- x", "*/"} {
			if got := literals(d.Text(text), d); got != 1 {
				t.Errorf("%s: %q is written %s, which is %d literals", d.Name, text, d.Text(text), got)
			}
		}
	}
	if got := query.Comment("sync 1 */ DROP"); got != "/* sync 1 / DROP */ " {
		t.Errorf("the comment is %q", got)
	}
}

// literals counts the literals of a text as a database with or without escapes by backslash reads it; -1 where
// it does not end.
func literals(sql string, d query.Dialect) int {
	escapes := d.Text(`\`) == `'\\'`
	n, inside := 0, false
	for i := 0; i < len(sql); i++ {
		switch {
		case inside && escapes && sql[i] == '\\':
			i++
		case inside && sql[i] == '\'' && i+1 < len(sql) && sql[i+1] == '\'':
			i++
		case sql[i] == '\'':
			inside = !inside
			if inside {
				n++
			}
		}
	}
	if inside {
		return -1
	}
	return n
}
