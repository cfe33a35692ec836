package query_test

import (
	"path/filepath"
	"regexp"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/query/dialecttest"
	"github.com/millrace/millrace/internal/value"
)

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
			command := func(name string, c query.Command) {
				if reason := d.Lacks(name); reason != "" {
					add(name, "-- there is none: "+reason)
					return
				}
				add(name, d.Command(c))
			}
			command("create schema", query.CreateSchema{Name: `my "schema"`})
			for _, c := range dialecttest.Setup("suite") {
				add(setupName(c), d.Command(c))
			}
			for _, c := range dialecttest.Cases("suite") {
				add(c.Name, d.SQL(c.Query))
			}
			for _, c := range dialecttest.Changes("suite") {
				command(c.Name, c.Command)
			}
			command("create view", query.CreateView{
				View:  query.TableRef{Schema: "suite", Name: "both"},
				Query: query.Union(query.Values(query.Int(1).As("id")), query.Values(query.Int(2).As("id"))),
			})
			for _, c := range printed {
				add(c.name, d.Expr(c.e))
			}
			add("limit of a statement", d.Limit("SELECT 1 AS a -- one;\n;", 5))
			add("count of a statement", d.Count("SELECT 1 AS a"))
			addAnalysis(add, d)
			addArrays(add, d)
			for _, f := range archive.Files {
				if badForm.Match(f.Data) {
					t.Errorf("%s has a form without a place: %s", f.Name, f.Data)
				}
			}
			dialecttest.Golden(t, filepath.Join("testdata", d.Name+".txtar"), txtar.Format(archive))
		})
	}
}

// badForm is what fmt says of a form whose places are not its parts.
var badForm = regexp.MustCompile(`%![a-z]?\(`)

// addAnalysis adds what audiences, traits and metrics are made of.
func addAnalysis(add func(name, sql string), d query.Dialect) {
	for _, c := range dialecttest.Analysis("suite") {
		addQuery(add, d, c)
	}
	for _, u := range dialecttest.Upserts(d, "suite") {
		for i, c := range u.Commands {
			add(u.Name+[]string{"", ": then"}[i], d.Command(c))
		}
	}
	if reason := d.Lacks(query.ConstructCreateTemporary); reason != "" {
		add("temporary table", "-- there is none: "+reason)
		return
	}
	add("temporary table", d.Command(query.CreateTemporary{Name: "t", Query: query.Values(query.Int(1).As("id"))}))
	add("drop a temporary table", d.Command(query.DropTable{Table: d.Temporary("t")}))
}

// addQuery adds a query, or what the database lacks for it.
func addQuery(add func(name, sql string), d query.Dialect, c dialecttest.Case) {
	sql, err := d.Build(c.Query)
	if err != nil {
		sql = "-- there is none: " + err.Error()
	}
	add(c.Name, sql)
}

// addArrays adds what expands arrays.
func addArrays(add func(name, sql string), d query.Dialect) {
	for _, c := range dialecttest.Arrays() {
		addQuery(add, d, c)
	}
	if d.Lacks(query.ConstructElements) != "" {
		return
	}
	x := query.Expansion{Column: "list", Kind: query.NativeArray, Key: "id", Element: "_ht_list_element"}
	add("expansion of a statement", d.Expand("SELECT 1 AS id -- one", []string{"id", "list"}, x))
	x.Occurrence = "occurrence"
	add("expansion with occurrences", d.Expand("SELECT 1 AS id", []string{"id"}, x))
}

func setupName(c query.Command) string {
	switch c.(type) {
	case query.DropTable:
		return "drop table"
	case query.CreateTable:
		return "create table"
	default:
		return "insert rows"
	}
}

// printed are expressions whose form depends on a database's own types.
var printed = []struct {
	name string
	e    query.Expr
}{
	{"canonical object", query.Canonical(query.Col("c"), value.TypeObject, "anything")},
	{"canonical instant", query.Canonical(query.Col("c"), value.TypeTimestamp, "anything")},
	{"canonical number", query.Canonical(query.Col("c"), value.TypeNumber, "double")},
	{"canonical text", query.Canonical(query.Col("c"), value.TypeString, "anything")},
	{"canonical date", query.Canonical(query.Col("c"), value.TypeDate, "date")},
	{"key of a boolean", query.Key(query.Col("c"), value.TypeBoolean, "anything")},
	{"canonical boolean", query.Canonical(query.Col("c"), value.TypeBoolean, "anything")},
	{"object of every type", query.Object(
		query.Member{Name: "f", Value: query.Col("f"), Type: value.TypeNumber, Native: "double precision"}, query.Member{Name: "d", Value: query.Col("d"), Type: value.TypeNumber, Native: "DECIMAL(12,2)"},
		query.Member{Name: "j", Value: query.Col("j"), Type: value.TypeObject, Native: "json"}, query.Member{Name: "b", Value: query.Col("b"), Type: value.TypeBoolean},
	)},
	{"try cast", query.TryCast(query.Col("c"), "varchar", query.TypeInteger)},
	{"bytes", query.Value(value.OfBytes([]byte{0, 255}))},
	{"json", query.Value(value.OfJSON(`{"a":"it's \\"}`))},
	{"float", query.Value(value.OfFloat(0.1))},
	{"condition as a value", query.Coalesce(query.Col("c").Eq(query.Int(1)), query.Bool(false)).Eq(query.Bool(true))},
	{"value as a condition", query.And(query.Col("c"), query.Not(query.Cast(query.Col("d"), query.TypeBoolean)))},
	{"booleans", query.And(query.Col("c").Eq(query.Bool(true)), query.Col("c").Ne(query.Bool(false)))},
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
	for _, d := range query.Dialects {
		for _, name := range []string{d.Quote, "]", `\`, `\` + d.Quote, d.Quote + d.Quote, "'", "a" + d.Quote + "; DROP"} {
			if got := d.Ident(name); !closes(got, d) {
				t.Errorf("%s: the name %q is written %s, which is more than a name", d.Name, name, got)
			}
		}
	}
	if got := query.Comment("sync 1 */ DROP"); got != "/* sync 1 / DROP */ " {
		t.Errorf("the comment is %q", got)
	}
}

// closes reports whether a quoted name ends with its last character and not before, as a database with or without
// escapes by backslash reads it.
func closes(name string, d query.Dialect) bool {
	last := name[len(name)-1]
	escapes := d.Ident(`\`) == d.Quote+`\\`+string(last)
	for i := 1; i < len(name); i++ {
		switch {
		case escapes && name[i] == '\\':
			i++
		case name[i] != last:
		case i == len(name)-1:
			return true
		case name[i+1] != last:
			return false
		default:
			i++
		}
	}
	return false
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
