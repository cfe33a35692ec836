package query

import (
	"strings"
	"time"

	"github.com/millrace/millrace/internal/value"
)

// Example is a construct with its SQL in a dialect, for the reference that people read.
type Example struct {
	Name string
	SQL  func(d Dialect) string // empty where the database has no form for it (Dialect.Lacks)
}

// Examples lists the constructs that dialects write differently.
func Examples() []Example {
	people := Table(TableRef{Schema: "shop", Name: "people"}).As("p")
	orders := Table(TableRef{Schema: "shop", Name: "orders"}).As("o")
	mine := orders.Col("person").Eq(people.Col("id"))
	examples := exampleTypes()
	examples = append(examples, exampleConstants()...)
	examples = append(examples, exampleExpressions()...)
	examples = append(examples, exampleAnalysis(people)...)
	return append(examples,
		queryExample("Rows of both sides", From(people).FullJoin(orders, mine).Select(people.Col("id"), orders.Col("total"))),
		queryExample("Rows without a partner", From(people).AntiJoin(orders, mine).Select(people.Col("id"))),
		queryExample("At most ten rows", From(people).Limit(10)),
		queryExample("Different rows, at most ten", From(people).Distinct().Limit(10).Select(people.Col("name"))),
		queryExample("A row of constants", Values(Int(1).As("one"))),
		queryExample("A person's statement", From(Statement("WITH a AS (SELECT 1 AS n) SELECT n FROM a").As("m")).Select(Col("n"))),
		commandExample("Make a schema", CreateSchema{Name: "planner"}, ConstructCreateSchema),
		commandExample("Make a table", CreateTable{Table: TableRef{Schema: "planner", Name: "t"}, Columns: []NewColumn{{"k", TypeText}, {"n", TypeInteger}}}, ""),
		commandExample("Make a table of a query", CreateTableAs{Table: TableRef{Schema: "planner", Name: "t"}, Query: From(people).Select(people.Col("id"))}, ConstructCreateTableAs),
		commandExample("Add a column", AddColumn{Table: TableRef{Schema: "planner", Name: "t"}, Column: NewColumn{"b", TypeBoolean}}, ""),
		commandExample("Drop a table", DropTable{Table: TableRef{Schema: "planner", Name: "t"}}, ""),
		commandExample("Insert rows", Insert{Table: TableRef{Schema: "planner", Name: "t"}, Columns: []string{"k", "n"}, Rows: [][]Expr{{Text("a"), Int(1)}, {Text("b"), Int(2)}}}, ""),
		commandExample("Change rows", Update{Table: TableRef{Schema: "planner", Name: "t"}, Set: []Assignment{{"n", Int(0)}}, Where: Col("k").Eq(Text("a"))}, ""),
		commandsExample("Replace and add rows by their key", func(d Dialect) []Command {
			return Upsert{Table: TableRef{Schema: "planner", Name: "t"}, Query: From(people).Select(people.Col("id").As("k"), people.Col("n")), Key: []string{"k"}, Columns: []string{"k", "n"}}.Commands(d)
		}),
		commandExample("Make a temporary table", CreateTemporary{Name: "t", Query: From(people).Select(people.Col("id"))}, ConstructCreateTemporary),
		commandExample("Delete all rows", Delete{Table: TableRef{Schema: "planner", Name: "t"}}, ""),
	)
}

func exampleTypes() []Example {
	var examples []Example
	for _, t := range []struct {
		name string
		t    Type
	}{
		{"Type of texts", TypeText}, {"Type of whole numbers", TypeInteger}, {"Type of decimals", TypeDecimal(12, 2)}, {"Type of floats", TypeFloat},
		{"Type of booleans", TypeBoolean}, {"Type of dates", TypeDate}, {"Type of instants", TypeTimestamp}, {"Type of JSON", TypeJSON}, {"Type of bytes", TypeBytes},
	} {
		examples = append(examples, Example{t.name, func(d Dialect) string { return d.columnType(t.t) }})
	}
	return examples
}

func exampleConstants() []Example {
	return []Example{
		{"Name", func(d Dialect) string { return d.Ident(`a"b`) }},
		exprExample("Text", Text(`it's \`)),
		exprExample("Decimal", Value(value.OfDecimal("10.50"))),
		exprExample("Float", Value(value.OfFloat(0.5))),
		exprExample("True", Bool(true)),
		exprExample("Date", Value(value.OfDay(0))),
		exprExample("Instant", Time(time.Unix(0, 123_456_000))),
		exprExample("Bytes", Value(value.OfBytes([]byte{0, 255}))),
		exprExample("JSON", Value(value.OfJSON(`{"a":1}`))),
		exprExample("No text", Null(TypeText)),
	}
}

func exampleExpressions() []Example {
	a, b := Col("a"), Col("b")
	return []Example{
		exprExample("Differs, null being a value", a.Distinct(b)),
		exprExample("Texts behind one another", Concat(a, Text("-"), b)),
		exprExample("A condition as a value", Coalesce(a.Eq(b), Bool(false))),
		exprExample("A number of a text, or null", TryCast(a, "text", TypeInteger)),
		exprExample("A row's digest", Hash(a, b)),
		exprExample("An object", Object(Member{Name: "t", Value: a, Type: value.TypeString}, Member{Name: "n", Value: b, Type: value.TypeNumber})),
		exprExample("Key of a text", Key(a, value.TypeString, "")),
		exprExample("Key of a boolean", Key(a, value.TypeBoolean, "")),
		exprExample("Key of a date", Key(a, value.TypeDate, "")),
		exprExample("Key of an instant", Key(a, value.TypeTimestamp, "")),
	}
}

// exampleAnalysis is what audiences, traits and metrics are made of.
func exampleAnalysis(people Relation) []Example {
	a, b, at := Col("a"), Col("b"), Col("at")
	berlin, _ := ZoneOf("Europe/Berlin") //nolint:errcheck // it is in the binary
	local := InZone(at, Zone{})
	doc := Document{Value: Col("doc"), Native: "text"}
	text := Member{Value: Text("x"), Type: value.TypeString}
	window := Partition(a).OrderBy(Desc(b))
	examples := []Example{
		queryExample("Different rows of two queries", UnionDistinct(From(people).Select(people.Col("id")), Values(Int(1).As("id")))),
		queryExample("Rows that another query lacks", Except(From(people).Select(people.Col("id")), Values(Int(1).As("id")))),
		exprExample("A row's number", RowNumber().Over(window)),
		exprExample("The value before", Lag(b, 1).Over(window)),
		exprExample("A running sum", Sum(b).Over(window)),
		exprExample("An average", Avg(a)),
		exprExample("Any value", AnyValue(a)),
		exprExample("About so many different values", ApproxCountDistinct(a)),
		exprExample("A sum of some rows", Sum(a).OfRows(b.Gt(Int(0)))),
		exprExample("Texts of a group", StringAgg(a, ", ", Asc(b))),
		exprExample("A list of a group", ListAgg(Member{Value: a, Type: value.TypeString}, Asc(b))),
		exprExample("Now", Now()),
		exprExample("Local time in UTC", local),
		exprExample("Instant of a local time in UTC", FromZone(Col("local"), Zone{})),
		exprExample("Seven days later", AddTime(Col("local"), 1, Week)),
		exprExample("Three months before", AddTime(Col("local"), -1, Quarter)),
		exprExample("An hour later", AddTime(Col("local"), 1, Hour)),
		exprExample("Seconds between", Between(Col("local"), Col("other"), Second)),
		exprExample("Begin of the day", TruncTime(Col("local"), Day)),
		exprExample("Begin of the week", TruncTime(Col("local"), Week)),
		exprExample("Begin of the quarter", TruncTime(Col("local"), Quarter)),
		exprExample("Year", PartOf(Col("local"), PartYear)),
		exprExample("Day of the week", PartOf(Col("local"), PartWeekday)),
		exprExample("In a period", at.Within(Previous(time.Date(2024, 6, 3, 10, 0, 0, 0, time.UTC), 2, Month, berlin))),
		exprExample("Text in JSON", doc.Text(In("a"), In("b"), At(0))),
		exprExample("Something in JSON", doc.Has(In("a"))),
		exprExample("A list", List(text, Member{Value: a, Type: value.TypeString})),
		exprExample("A list's length", ListLength(Col("list"))),
		exprExample("A list with an element", ListContains(Col("list"), text)),
		queryExample("Elements of a list", From(people).Each(Elements(people.Col("list"), NativeArray).As("e")).Select(people.Col("id"), Relation{alias: "e", array: a}.Col(Element))),
		exprExample("Contains", a.Contains("50%_!")),
		exprExample("Begins with, whatever the letters", Fold(a.StartsWith("x"))),
		exprExample("Matches", a.Matches("^x[0-9]+$")),
		exprExample("Bucket", Bucket(a, "salt", 100)),
		queryExample("A sample", From(people).Sample(10).Select(people.Col("id"))),
	}
	for i, e := range examples {
		sql := e.SQL
		examples[i].SQL = func(d Dialect) string { return orNothing(func() string { return sql(d) }) }
	}
	return examples
}

// orNothing is no SQL where the database lacks what it needs.
func orNothing(sql func() string) (text string) {
	defer func() {
		if r := recover(); r != nil {
			if _, lacks := r.(lacking); !lacks {
				panic(r)
			}
		}
	}()
	return sql()
}

func commandsExample(name string, commands func(d Dialect) []Command) Example {
	return Example{name, func(d Dialect) string {
		var texts []string
		for _, c := range commands(d) {
			texts = append(texts, strings.TrimSuffix(d.Command(c), ";"))
		}
		return strings.Join(texts, "; ")
	}}
}

func exprExample(name string, e Expr) Example {
	return Example{name, func(d Dialect) string { return d.Expr(e) }}
}

func queryExample(name string, q Query) Example {
	return Example{name, func(d Dialect) string { return d.SQL(q) }}
}

func commandExample(name string, c Command, construct string) Example {
	return Example{name, func(d Dialect) string {
		if d.Lacks(construct) != "" {
			return ""
		}
		return d.Command(c)
	}}
}
