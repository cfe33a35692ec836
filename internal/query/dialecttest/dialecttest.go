// Package dialecttest is the conformance suite of dialects: every construct of the package query with the rows that it
// must yield. A database that runs here executes it (Run); of one that does not, the SQL is kept in golden files and
// read by a person.
package dialecttest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// Database runs SQL. Cells are text as value.Value.String writes it; null is Null.
type Database struct {
	Dialect query.Dialect
	Schema  string // where the suite's tables go; it exists
	Execute func(ctx context.Context, sql string) error
	Query   func(ctx context.Context, sql string) ([][]string, error)
	NoZeros bool // decimals have no zeros at their end
}

// Null is a cell without a value.
const Null = "null"

// Case is a query with the rows that it yields, in any order unless it sorts them.
type Case struct {
	Name  string
	Query query.Query
	Want  [][]string
}

// The tables of the suite.
func people(schema string) query.TableRef {
	return query.TableRef{Schema: schema, Name: "people of the suite"}
}

func orders(schema string) query.TableRef { return query.TableRef{Schema: schema, Name: "orders"} }

func copies(schema string) query.TableRef { return query.TableRef{Schema: schema, Name: "copies"} }

// Setup makes the tables.
func Setup(schema string) []query.Command {
	text := query.Text
	return []query.Command{
		query.DropTable{Table: people(schema)},
		query.CreateTable{Table: people(schema), Columns: []query.NewColumn{
			{Name: "id", Type: query.TypeInteger}, {Name: "full name", Type: query.TypeText}, {Name: "age", Type: query.TypeInteger},
			{Name: "paid", Type: query.TypeDecimal(12, 2)}, {Name: "born", Type: query.TypeDate}, {Name: "seen", Type: query.TypeTimestamp},
		}},
		query.Insert{Table: people(schema), Columns: []string{"id", "full name", "age", "paid", "born", "seen"}, Rows: [][]query.Expr{
			{query.Int(1), text("Ann"), query.Int(30), number("10.50"), query.Value(value.OfDay(1)), at(0)},
			{query.Int(2), text(`O'Brien \ "x"`), query.Null(query.TypeInteger), number("0.00"), query.Null(query.TypeDate), at(1)},
			{query.Int(3), query.Null(query.TypeText), query.Int(50), query.Null(query.TypeDecimal(12, 2)), query.Value(value.OfDay(-1)), query.Null(query.TypeTimestamp)},
		}},
		query.DropTable{Table: orders(schema)},
		query.CreateTable{Table: orders(schema), Columns: []query.NewColumn{{Name: "person", Type: query.TypeInteger}, {Name: "total", Type: query.TypeInteger}}},
		query.Insert{Table: orders(schema), Columns: []string{"person", "total"}, Rows: [][]query.Expr{
			{query.Int(1), query.Int(5)}, {query.Int(1), query.Int(7)}, {query.Int(3), query.Int(9)}, {query.Int(4), query.Int(11)},
		}},
	}
}

func number(text string) query.Expr { return query.Value(value.OfDecimal(text)) }

func at(seconds int64) query.Expr { return query.Time(time.Unix(seconds, 123_456_000)) }

// Cases are the queries.
func Cases(schema string) []Case {
	p, o := query.Table(people(schema)).As("p"), query.Table(orders(schema)).As("o")
	id, name, age := p.Col("id"), p.Col("full name"), p.Col("age")
	mine := o.Col("person").Eq(id)
	all := query.From(p)
	return slices.Concat([]Case{
		{"columns", all.Select(id, name), [][]string{{"1", "Ann"}, {"2", `O'Brien \ "x"`}, {"3", Null}}},
		{"where", all.Where(age.Ge(query.Int(30)), name.NotNull()).Select(id), [][]string{{"1"}}},
		{"or binds weakly", all.Where(query.Or(id.Eq(query.Int(1)), id.Eq(query.Int(2))), age.IsNull()).Select(id), [][]string{{"2"}}},
		{"not", all.Where(query.Not(query.Or(id.Eq(query.Int(1)), id.Eq(query.Int(2))))).Select(id), [][]string{{"3"}}},
		{"in", all.Where(id.In(query.Int(1), query.Int(3))).Select(id), [][]string{{"1"}, {"3"}}},
		{"in nothing", all.Where(id.In()).Select(id), nil},
		{"in a query", all.Where(id.InQuery(query.From(o).Select(o.Col("person")))).Select(id), [][]string{{"1"}, {"3"}}},
		{"distinct from", all.Where(age.Distinct(query.Int(30))).Select(id), [][]string{{"2"}, {"3"}}},
		{"distinct from null", all.Where(age.Distinct(query.Null(query.TypeInteger))).Select(id), [][]string{{"1"}, {"3"}}},
		{"text", query.From(p).Where(name.Eq(query.Text(`O'Brien \ "x"`))).Select(id), [][]string{{"2"}}},
		{"sums", all.Where(id.Eq(query.Int(3))).Select(id.Sub(query.Int(1).Sub(query.Int(2))).As("n"), id.Add(age).As("m")), [][]string{{"4", "53"}}},
		{"case", all.Select(id, query.Case().When(age.Lt(query.Int(40)), query.Text("young")).When(age.IsNull(), query.Text("?")).Else(query.Text("old")).As("is")), [][]string{{"1", "young"}, {"2", "?"}, {"3", "old"}}},
		{"case without else", all.Where(id.Le(query.Int(2))).Select(id, query.Case().When(age.NotNull(), age).End().As("n")), [][]string{{"1", "30"}, {"2", Null}}},
		{"coalesce", all.Select(query.Coalesce(age, query.Int(0)).As("n")), [][]string{{"0"}, {"30"}, {"50"}}},
		{"concat", all.Where(name.NotNull()).Select(query.Concat(query.Lower(name), query.Text("-"), query.Cast(id, query.TypeText)).As("t")), [][]string{{"ann-1"}, {`o'brien \ "x"-2`}}},
		{"decimals", all.Where(p.Col("paid").Gt(number("0.01"))).Select(p.Col("paid")), [][]string{{"10.50"}}},
		{"dates", all.Where(p.Col("born").Gt(query.Value(value.OfDay(0)))).Select(p.Col("born")), [][]string{{"1970-01-02"}}},
		{"instants", all.Where(p.Col("seen").Lt(at(1))).Select(p.Col("seen")), [][]string{{"1970-01-01T00:00:00.123456Z"}}},
	}, joins(p, o, mine), groups(p, o, mine), hashes(p), objects(p))
}

func joins(p, o query.Relation, mine query.Expr) []Case {
	id := p.Col("id")
	n := query.Common("n")
	return []Case{
		{"join", query.From(p).Join(o, mine).Select(id, o.Col("total")), [][]string{{"1", "5"}, {"1", "7"}, {"3", "9"}}},
		{"left join", query.From(p).LeftJoin(o, mine).Select(id, o.Col("total")), [][]string{{"1", "5"}, {"1", "7"}, {"2", Null}, {"3", "9"}}},
		{"full join", query.From(p).FullJoin(o, mine).Select(id, o.Col("total")), [][]string{{"1", "5"}, {"1", "7"}, {"2", Null}, {"3", "9"}, {Null, "11"}}},
		{"full join under a condition", query.From(p).FullJoin(o, mine).Where(query.Or(id.IsNull(), id.Eq(query.Int(2)))).Select(id, o.Col("total")), [][]string{{"2", Null}, {Null, "11"}}},
		{"semi join", query.From(p).SemiJoin(o, mine).Select(id), [][]string{{"1"}, {"3"}}},
		{"anti join", query.From(p).AntiJoin(o, mine).Select(id), [][]string{{"2"}}},
		{"statement", query.From(query.Statement("SELECT 1 AS a -- one;\n;").As("s")).Select(query.Col("a")), [][]string{{"1"}}},
		{"sub", query.From(query.Sub(query.From(o).GroupBy(o.Col("person")).Select(o.Col("person"), query.Sum(o.Col("total")).As("sum"))).As("s")).
			Where(query.Col("sum").Gt(query.Int(10))).Select(query.Col("person")), [][]string{{"1"}, {"4"}}},
		{"union", query.Union(query.From(p).Where(id.Eq(query.Int(1))).Select(id), query.From(o).Where(o.Col("total").Gt(query.Int(8))).Select(o.Col("person"))), [][]string{{"1"}, {"3"}, {"4"}}},
		{"with", query.With(query.From(n).Where(n.Col("n").Gt(query.Int(1))).Select(n.Col("person")),
			query.Definition{Name: "n", Query: query.From(o).GroupBy(o.Col("person")).Select(o.Col("person"), query.Count().As("n"))}), [][]string{{"1"}}},
	}
}

func groups(p, o query.Relation, mine query.Expr) []Case {
	id, age := p.Col("id"), p.Col("age")
	return []Case{
		{"count", query.From(p).Select(query.Count().As("n"), query.CountOf(age).As("known")), [][]string{{"3", "2"}}},
		{"count distinct", query.From(o).Select(query.CountDistinct(o.Col("person")).As("n")), [][]string{{"3"}}},
		{"group", query.From(p).Join(o, mine).GroupBy(id).Select(id, query.Min(o.Col("total")).As("low"), query.Max(o.Col("total")).As("high")), [][]string{{"1", "5", "7"}, {"3", "9", "9"}}},
		{"having", query.From(o).GroupBy(o.Col("person")).Having(query.Count().Gt(query.Int(1))).Select(o.Col("person")), [][]string{{"1"}}},
		{"distinct", query.From(o).Distinct().Select(o.Col("person")), [][]string{{"1"}, {"3"}, {"4"}}},
		{"distinct and limit", query.From(o).Where(o.Col("person").Eq(query.Int(1))).Distinct().Limit(5).Select(o.Col("person")), [][]string{{"1"}}},
		{"order and limit", query.From(o).OrderByDesc(o.Col("total")).Limit(2).Select(o.Col("total")), [][]string{{"11"}, {"9"}}},
		{"values", query.Values(query.Int(1).As("a"), query.Text("").As("b")), [][]string{{"1", ""}}},
	}
}

// hashes: neither nulls, nor texts that border on each other or hold what separates them, are confused.
func hashes(p query.Relation) []Case {
	id := p.Col("id")
	of := func(texts ...string) query.Expr {
		all := make([]query.Expr, len(texts))
		for i, t := range texts {
			all[i] = query.Text(t)
		}
		return query.Hash(all...)
	}
	null := query.Null(query.TypeText)
	others := query.From(p).Where(id.Eq(query.Int(1)), of("ab", "c").Ne(of("a", "bc")), of("ab", "c").Ne(query.Hash(query.Text("ab"), null)),
		of("").Ne(query.Hash(null)), query.Hash(query.Text(""), null).Ne(query.Hash(null, query.Text(""))),
		of("a,b", "c").Ne(of("a", "b,c")), of(`a","b`, "c").Ne(of("a", `b","c`)), of(`a"`, `b`).Ne(of("a", `"b`)),
		of(`a\`, `b`).Ne(of("a", `\b`)), of("-", "c").Ne(query.Hash(null, query.Text("c"))), of("1:a", "c").Ne(of("a", "1:c"))).Select(id)
	same := query.From(p).Where(id.Eq(query.Int(1)), query.Hash(query.Cast(id, query.TypeText), query.Text("c")).Eq(of("1", "c"))).Select(id)
	key := func(column string, t value.Type) query.Expr { return query.Key(p.Col(column), t, "") }
	return []Case{
		{"hash", same, [][]string{{"1"}}},
		{"hash of others", others, [][]string{{"1"}}},
		{"keys", query.From(p).Where(id.Eq(query.Int(1))).Select(key("id", value.TypeNumber).As("k"), key("full name", value.TypeString).As("n"),
			key("paid", value.TypeNumber).As("p"), key("born", value.TypeDate).As("d"), key("seen", value.TypeTimestamp).As("s")),
			[][]string{{"1", "Ann", "10.50", "1970-01-02", "1970-01-01T00:00:00.123456Z"}}},
		{"keys of letters", query.From(p).Where(key("full name", value.TypeString).Eq(query.Key(query.Text("ANN"), value.TypeString, ""))).Select(id), nil},
		{"try cast", query.From(p).Where(id.Eq(query.Int(1))).Select(query.TryCast(query.Cast(p.Col("paid"), query.TypeText), "text", query.TypeDecimal(12, 2)).As("a"),
			query.TryCast(p.Col("full name"), "text", query.TypeInteger).As("b")), [][]string{{"10.50", Null}}},
		{"nested with", query.From(query.Sub(query.With(query.From(query.Common("w")).Select(query.Col("a")), query.Definition{Name: "w", Query: query.From(p).Select(id.As("a"))})).As("s")).
			Where(query.Col("a").Lt(query.Int(3))).Select(query.Col("a")), [][]string{{"1"}, {"2"}}},
		{"statement in order", query.From(query.Statement("SELECT 1 AS a ORDER BY a").As("s")).Select(query.Col("a")), [][]string{{"1"}}},
		{"statement with", query.From(query.Statement("WITH q AS (SELECT 1 AS a) /* two */ SELECT a FROM q").As("s")).Select(query.Col("a")), [][]string{{"1"}}},
	}
}

// objects are read back as text without spaces, which databases set as they like.
func objects(p query.Relation) []Case {
	id := p.Col("id")
	member := func(name, column string, t value.Type, native string) query.Member {
		return query.Member{Name: name, Value: p.Col(column), Type: t, Native: native}
	}
	whole := query.Object(member("'i", "id", value.TypeNumber, ""), member("da", "born", value.TypeDate, ""), member("na", "full name", value.TypeString, ""), member("se", "seen", value.TypeTimestamp, ""))
	var many []query.Member
	for i := range 120 {
		many = append(many, member(fmt.Sprintf("member %03d", i), "id", value.TypeNumber, ""))
	}
	text := func(e query.Expr) query.Expr { return query.Cast(e, query.TypeText) }
	return []Case{
		{"object", query.From(p).Where(id.Eq(query.Int(1))).Select(whole.As("o")), [][]string{{`{"'i":1,"da":"1970-01-02","na":"Ann","se":"1970-01-01T00:00:00.123456Z"}`}}},
		{"object of nulls", query.From(p).Where(id.Eq(query.Int(3))).Select(query.Object(member("n", "full name", value.TypeString, ""), member("s", "seen", value.TypeTimestamp, "")).As("o")), [][]string{{`{"n":null,"s":null}`}}},
		{"object of many", query.From(p).Where(id.Eq(query.Int(1)), text(query.Object(many...)).Ne(text(query.Object(many[:100]...)))).Select(id), [][]string{{"1"}}},
		{"object of none", query.From(p).Where(id.Eq(query.Int(1))).Select(query.Object().As("o")), [][]string{{"{}"}}},
	}
}

// Arrays are the queries of elements: each element is a row, what an array has before is numbered, and what is no array of plain values is one row.
//
// Req: SY-89, SY-90, SY-91
func Arrays() []Case {
	text := func(e query.Expr) query.Member { return query.Member{Value: e, Type: value.TypeString} }
	a, null := text(query.Text("a")), text(query.Null(query.TypeText))
	lists := query.Sub(query.Values(query.Int(1).As("id"), query.List(a, text(query.Text("b")), a, null, null).As("list"))).As("m")
	each := func(m query.Relation, kind query.ArrayKind, list query.Expr) query.Query {
		e := query.Elements(list, kind).As("e")
		return query.From(m).Each(e).Select(m.Col("id"), e.Col(query.Element), e.Col(query.Occurrence))
	}
	var texts []query.Query
	for i, text := range []string{
		`["a", "b","a",null,7,true]`, ` [] `, "", "null", "plain", `{"a": 1}`, `[["a"]]`, `["a"`, `"a"`, `["\u00e9", "it's \"so\""]`, "[\"a\",\n\"b\"]",
	} {
		texts = append(texts, query.Values(query.Int(int64(i)).As("id"), query.Text(text).As("list")))
	}
	texts = append(texts, query.Values(query.Int(100).As("id"), query.Null(query.TypeText).As("list")))
	want := [][]string{
		{"0", "a", "1"}, {"0", "b", "1"}, {"0", "a", "2"}, {"0", Null, "1"}, {"0", "7", "1"}, {"0", "true", "1"},
		{"4", Null, "0"}, {"5", Null, "0"}, {"6", Null, "0"}, {"7", Null, "0"}, {"8", Null, "0"},
		{"9", "\u00e9", "1"}, {"9", `it's "so"`, "1"}, {"10", "a", "1"}, {"10", "b", "1"},
	}
	m := query.Sub(query.Union(texts...)).As("m")
	valid := func(row []string) bool { return slices.Contains([]string{"0", "5", "6", "8", "9"}, row[0]) }
	asJSON := query.From(m).Where(m.Col("id").In(query.Int(0), query.Int(1), query.Int(3), query.Int(5), query.Int(6), query.Int(8), query.Int(9), query.Int(100))).
		Select(m.Col("id"), query.Cast(m.Col("list"), query.TypeJSON).As("list"))
	j := query.Sub(asJSON).As("j")
	return []Case{
		{"elements of a list", each(lists, query.NativeArray, lists.Col("list")), [][]string{{"1", "a", "1"}, {"1", "b", "1"}, {"1", "a", "2"}, {"1", Null, "1"}, {"1", Null, "1"}}},
		{"elements of a text", each(m, query.TextArray, m.Col("list")), want},
		{"elements of JSON", each(j, query.JSONArray, j.Col("list")), slices.DeleteFunc(slices.Clone(want), func(row []string) bool { return !valid(row) })},
	}
}

// Changes are commands with what the table copies holds after them: id and age.
func Changes(schema string) []struct {
	Name    string
	Command query.Command
	Want    [][]string
} {
	p := query.Table(people(schema)).As("p")
	t := copies(schema)
	return []struct {
		Name    string
		Command query.Command
		Want    [][]string
	}{
		{"create table as", query.CreateTableAs{Table: t, Query: query.From(p).Where(p.Col("id").Lt(query.Int(3))).Select(p.Col("id"), p.Col("age"))}, [][]string{{"1", "30"}, {"2", Null}}},
		{"insert a query", query.InsertQuery{Table: t, Columns: []string{"id", "age"}, Query: query.From(p).Where(p.Col("id").Eq(query.Int(3))).Select(p.Col("id"), p.Col("age"))}, [][]string{{"1", "30"}, {"2", Null}, {"3", "50"}}},
		{"insert", query.Insert{Table: t, Columns: []string{"id", "age"}, Rows: [][]query.Expr{{query.Int(9), query.Int(1)}}}, [][]string{{"1", "30"}, {"2", Null}, {"3", "50"}, {"9", "1"}}},
		{"update", query.Update{Table: t, Set: []query.Assignment{{Column: "age", Value: query.Col("age").Add(query.Int(1))}}, Where: query.Col("id").Ge(query.Int(3))}, [][]string{{"1", "30"}, {"2", Null}, {"3", "51"}, {"9", "2"}}},
		{"delete", query.Delete{Table: t, Where: query.Col("age").IsNull()}, [][]string{{"1", "30"}, {"3", "51"}, {"9", "2"}}},
		{"add a column", query.AddColumn{Table: t, Column: query.NewColumn{Name: "at", Type: query.TypeTimestamp}}, [][]string{{"1", "30", Null}, {"3", "51", Null}, {"9", "2", Null}}},
		{"delete all", query.Delete{Table: t}, nil},
	}
}

// Run executes the suite.
func Run(t *testing.T, d Database) {
	t.Helper()
	for _, c := range append(Setup(d.Schema), query.DropTable{Table: copies(d.Schema)}) {
		if err := d.Execute(t.Context(), d.Dialect.Command(c)); err != nil {
			t.Fatalf("%s: %v", d.Dialect.Command(c), err)
		}
	}
	for _, c := range Cases(d.Schema) {
		d.check(t, c.Name, c.Query, c.Want)
	}
	held := query.From(query.Table(copies(d.Schema)))
	for _, c := range Changes(d.Schema) {
		if err := d.Execute(t.Context(), d.Dialect.Command(c.Command)); err != nil {
			t.Fatalf("%s: %s: %v", c.Name, d.Dialect.Command(c.Command), err)
		}
		d.check(t, c.Name, held, c.Want)
	}
	for range 2 { // the second time there is none
		if err := d.Execute(t.Context(), d.Dialect.Command(query.DropTable{Table: copies(d.Schema)})); err != nil {
			t.Error(err)
		}
	}
}

func (d Database) check(t *testing.T, name string, q query.Query, want [][]string) {
	t.Helper()
	sql := d.Dialect.SQL(q)
	got, err := d.Query(t.Context(), sql)
	if err != nil {
		t.Errorf("%s: %s: %v", name, sql, err)
		return
	}
	if d.NoZeros {
		got, want = withoutZeros(got), withoutZeros(want)
	}
	if !slices.EqualFunc(sorted(got), sorted(want), slices.Equal[[]string]) {
		t.Errorf("%s: %s yields %v, want %v", name, sql, got, want)
	}
}

var decimal = regexp.MustCompile(`^-?\d+\.\d+$`)

// withoutZeros shortens the cells that are decimals.
func withoutZeros(rows [][]string) [][]string {
	short := make([][]string, len(rows))
	for i, row := range rows {
		for _, c := range row {
			if decimal.MatchString(c) {
				c = strings.TrimRight(strings.TrimRight(c, "0"), ".")
			}
			short[i] = append(short[i], c)
		}
	}
	return short
}

func sorted(rows [][]string) [][]string {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, slices.Compare[[]string])
	return rows
}
