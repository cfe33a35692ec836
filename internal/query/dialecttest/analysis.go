package dialecttest

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

func events(schema string) query.TableRef { return query.TableRef{Schema: schema, Name: "events"} }

// SetupAnalysis makes the table that the queries of Analysis read.
func SetupAnalysis(schema string) []query.Command {
	text, null := query.Text, query.Null
	moment := func(s string) query.Expr {
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			panic(err)
		}
		return query.Time(t)
	}
	const doc = `{"a":{"b":[1,"x"]},"ok":true,"no":false,"n":12.5,"z":null,"a b":"it's","t":"7"}`
	return []query.Command{
		query.DropTable{Table: events(schema)},
		query.CreateTable{Table: events(schema), Columns: []query.NewColumn{
			{Name: "id", Type: query.TypeInteger}, {Name: "person", Type: query.TypeInteger}, {Name: "kind", Type: query.TypeText},
			{Name: "at", Type: query.TypeTimestamp}, {Name: "total", Type: query.TypeInteger}, {Name: "doc", Type: query.TypeText},
		}},
		query.Insert{Table: events(schema), Columns: []string{"id", "person", "kind", "at", "total", "doc"}, Rows: [][]query.Expr{
			{query.Int(1), query.Int(1), text("view"), moment("2024-01-31T23:30:15.500Z"), query.Int(10), text(doc)},
			{query.Int(2), query.Int(1), text("buy"), moment("2024-03-10T01:00:00.000Z"), query.Int(20), text(`{"a":1}`)},
			{query.Int(3), query.Int(2), text("buy"), moment("2024-07-01T12:00:00.000Z"), query.Int(5), null(query.TypeText)},
			{query.Int(4), query.Int(1), text("view"), moment("2024-12-30T22:59:59.000Z"), null(query.TypeInteger), text("{}")},
			{query.Int(5), query.Int(2), null(query.TypeText), moment("2023-02-28T00:00:00.000Z"), query.Int(7), null(query.TypeText)},
		}},
	}
}

// Analysis are the queries that audiences, traits and metrics are made of.
//
// Req: SY-48
func Analysis(schema string) []Case {
	e := query.Table(events(schema)).As("e")
	return slices.Concat(sets(e), windows(e), aggregates(e), times(e), documents(e), lists(e), texts(e), shares(e))
}

func sets(e query.Relation) []Case {
	people := func(kind string) query.Query {
		return query.From(e).Where(e.Col("kind").Eq(query.Text(kind))).Select(e.Col("person"))
	}
	all := query.From(e).Select(e.Col("person"))
	u := query.Sub(query.Union(people("view"), people("buy"))).As("u")
	return []Case{
		{"union of different rows", query.UnionDistinct(people("view"), people("buy")), [][]string{{"1"}, {"2"}}},
		{"intersect", query.Intersect(people("view"), people("buy")), [][]string{{"1"}}},
		{"except", query.Except(people("buy"), people("view")), [][]string{{"2"}}},
		{"sets in sets", query.Except(query.UnionDistinct(all, people("buy")), query.Intersect(people("view"), people("buy"))), [][]string{{"2"}}},
		{"an intersection of a union", query.Intersect(query.UnionDistinct(people("view"), people("buy")), query.From(e).Where(e.Col("id").Eq(query.Int(3))).Select(e.Col("person"))), [][]string{{"2"}}},
		{"a difference of a difference", query.Except(all, query.Except(all, people("view"))), [][]string{{"1"}}},
		{"sets of limited rows", query.Union(query.From(e).Sort(query.Desc(e.Col("id"))).Limit(1).Select(e.Col("id")), query.From(e).Sort(query.Asc(e.Col("id"))).Limit(2).Select(e.Col("id"))), [][]string{{"5"}, {"1"}, {"2"}}},
		{"order and limit of a union", query.From(u).Sort(query.Desc(u.Col("person"))).Limit(1).Select(u.Col("person")), [][]string{{"2"}}},
		{"order with nulls last", query.From(e).Sort(query.Desc(e.Col("total"))).Limit(4).Select(e.Col("total")), [][]string{{"20"}, {"10"}, {"7"}, {"5"}}},
	}
}

func windows(e query.Relation) []Case {
	id, total := e.Col("id"), e.Col("total")
	each := query.Partition(e.Col("person")).OrderBy(query.Asc(total), query.Asc(id))
	kinds := query.Partition().OrderBy(query.Asc(e.Col("kind")))
	return []Case{
		{"row numbers", query.From(e).Select(id, query.RowNumber().Over(each).As("n")), [][]string{{"1", "1"}, {"2", "2"}, {"4", "3"}, {"3", "1"}, {"5", "2"}}},
		{"ranks", query.From(e).Select(id, query.Rank().Over(kinds).As("r"), query.DenseRank().Over(kinds).As("d")),
			[][]string{{"2", "1", "1"}, {"3", "1", "1"}, {"1", "3", "2"}, {"4", "3", "2"}, {"5", "5", "3"}}},
		{"lag and lead", query.From(e).Select(id, query.Lag(total, 1).Over(each).As("b"), query.Lead(id, 2).Over(each).As("f")),
			[][]string{{"1", Null, "4"}, {"2", "10", Null}, {"4", "20", Null}, {"3", Null, Null}, {"5", "5", Null}}},
		{"first and last values", query.From(e).Select(id, query.FirstValue(id).Over(each).As("f"), query.LastValue(id).Over(each).As("l")),
			[][]string{{"1", "1", "4"}, {"2", "1", "4"}, {"4", "1", "4"}, {"3", "3", "5"}, {"5", "3", "5"}}},
		{"running sums", query.From(e).Where(total.NotNull()).Select(id, query.Sum(total).Over(each).As("s"), query.Count().Over(query.Partition(e.Col("person"))).As("n")),
			[][]string{{"1", "10", "2"}, {"2", "30", "2"}, {"3", "5", "2"}, {"5", "12", "2"}}},
		{"frames", query.From(e).Where(total.NotNull()).Select(id, query.Sum(total).Over(query.Window{}.OrderBy(query.Asc(id)).Rows(query.Preceding(1), query.Following(1))).As("s"),
			query.Max(total).Over(query.Window{}.OrderBy(query.Asc(id)).Rows(query.CurrentRow, query.WindowEnd)).As("m")),
			[][]string{{"1", "30", "20"}, {"2", "35", "20"}, {"3", "32", "7"}, {"5", "12", "7"}}},
		{"first rows", query.FirstOf(query.From(e), []string{"person"}, []string{"person", "id"}, query.Desc(query.Col("at"))), [][]string{{"1", "4"}, {"2", "3"}}},
	}
}

func aggregates(e query.Relation) []Case {
	id, person, kind, total := e.Col("id"), e.Col("person"), e.Col("kind"), e.Col("total")
	by := query.From(e).GroupBy(person)
	all := query.From(e)
	bought := kind.Eq(query.Text("buy"))
	m := func(e query.Expr, t value.Type) query.Member { return query.Member{Value: e, Type: t} }
	contents := func(list query.Expr) query.Expr { return query.Canonical(list, value.TypeObject, "list") }
	return []Case{
		{"averages", by.Select(person, query.Avg(total).As("a")).Having(query.Count().Gt(query.Int(2))), [][]string{{"1", "15"}}},
		{"any value", by.Select(person, query.AnyValue(person).As("a")), [][]string{{"1", "1"}, {"2", "2"}}},
		{"about so many different values", all.Select(query.ApproxCountDistinct(person).As("a")), [][]string{{"2"}}},
		{"aggregates of some rows", by.Select(person, query.Count().OfRows(bought).As("n"), query.Sum(total).OfRows(bought).As("s"), query.CountWhere(total.IsNull()).As("u"), query.CountDistinct(kind).OfRows(total.NotNull()).As("d")),
			[][]string{{"1", "1", "20", "1", "2"}, {"2", "1", "5", "0", "1"}}},
		{"texts of a group", by.Select(person, query.StringAgg(kind, ", ", query.Desc(total), query.Desc(id)).As("t")), [][]string{{"1", "buy, view, view"}, {"2", "buy"}}},
		{"list of a group", by.Select(person, contents(query.ListAgg(m(kind, value.TypeString), query.Asc(id))).As("l")), [][]string{{"1", `["view","buy","view"]`}, {"2", `["buy"]`}}},
		{"list of numbers of a group", by.Select(person, contents(query.ListAgg(m(total, value.TypeNumber), query.Desc(total))).As("l")), [][]string{{"1", `[20,10]`}, {"2", `[7,5]`}}},
		{"most frequent", query.MostFrequent(query.From(e), []string{"person"}, "kind"), [][]string{{"1", "view"}, {"2", "buy"}}},
		{"least frequent", query.LeastFrequent(query.From(e), []string{"person"}, "kind"), [][]string{{"1", "buy"}, {"2", "buy"}}},
		{"median", query.Percentile(query.From(e), []string{"person"}, "total", 0.5), [][]string{{"1", "15"}, {"2", "6"}}},
		{"percentiles", query.Percentile(query.From(e), nil, "total", 0.75), [][]string{{"12.5"}}},
		{"lowest percentile", query.Percentile(query.From(e), nil, "total", 0), [][]string{{"5"}}},
		{"highest percentile", query.Percentile(query.From(e), nil, "total", 1), [][]string{{"20"}}},
		{"quotients", all.Where(id.Le(query.Int(2))).Select(id, total.Div(query.Int(4)).As("q"), total.Div(id.Sub(id)).As("z"), query.Mod(total, query.Int(7)).As("m"), total.Mul(id.Add(query.Int(1))).As("p")),
			[][]string{{"1", "2.5", Null, "3", "20"}, {"2", "5", Null, "6", "60"}}},
	}
}

func berlin() query.Zone {
	z, err := query.ZoneOf("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return z
}

func times(e query.Relation) []Case {
	id, at := e.Col("id"), e.Col("at")
	local, there := query.InZone(at, query.Zone{}), query.InZone(at, berlin())
	of := func(n int64) query.Select { return query.From(e).Where(id.Eq(query.Int(n))).Select(id) }
	instant := func(local query.Expr) query.Expr { return query.FromZone(local, query.Zone{}) }
	days := func(u query.Unit, want ...string) Case {
		var rows [][]string
		for i, day := range want {
			rows = append(rows, []string{string(rune('1' + i)), day})
		}
		return Case{"begin of the " + string(u), query.From(e).Select(id, instant(query.TruncTime(local, u)).As("t")), rows}
	}
	summer, err := time.Parse(time.RFC3339, "2024-06-03T10:00:00.000Z")
	if err != nil {
		panic(err)
	}
	in := func(name string, p query.Period, want ...string) Case {
		var rows [][]string
		for _, w := range want {
			rows = append(rows, []string{w})
		}
		return Case{name, query.From(e).Where(at.Within(p)).Select(id), rows}
	}
	feb := query.Value(value.OfDay(19782)) // 2024-02-29
	return []Case{
		{"now", of(1).Where(at.Lt(query.Now()), at.Gt(query.Ago(query.Now(), 100, query.Year))), [][]string{{"1"}}},
		{"later", of(1).Select(instant(query.AddTime(local, 1, query.Month)).As("m"), instant(query.AddTime(local, -1, query.Quarter)).As("q"), instant(query.AddTime(local, 1, query.Year)).As("y"), instant(query.AddTime(local, 2, query.Week)).As("w"),
			instant(query.AddTime(local, -1, query.Day)).As("d"), instant(query.AddTime(local, 1, query.Hour)).As("h"), instant(query.AddTime(local, -20, query.Minute)).As("i"), instant(query.AddTime(local, 45, query.Second)).As("s")),
			[][]string{{"1", "2024-02-29T23:30:15.500Z", "2023-10-31T23:30:15.500Z", "2025-01-31T23:30:15.500Z", "2024-02-14T23:30:15.500Z", "2024-01-30T23:30:15.500Z", "2024-02-01T00:30:15.500Z", "2024-01-31T23:10:15.500Z", "2024-01-31T23:31:00.500Z"}}},
		{"ago", of(5).Where(at.Eq(query.Ago(query.Time(time.Date(2023, 3, 31, 0, 0, 0, 0, time.UTC)), 1, query.Month))), [][]string{{"5"}}},
		{"a day's begin", of(1).Select(query.DateOf(local).As("d"), instant(query.Midnight(query.DateOf(local))).As("m")), [][]string{{"1", "2024-01-31", "2024-01-31T00:00:00.000Z"}}},
		days(query.Year, "2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z", "2023-01-01T00:00:00.000Z"),
		days(query.Quarter, "2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z", "2024-07-01T00:00:00.000Z", "2024-10-01T00:00:00.000Z", "2023-01-01T00:00:00.000Z"),
		days(query.Month, "2024-01-01T00:00:00.000Z", "2024-03-01T00:00:00.000Z", "2024-07-01T00:00:00.000Z", "2024-12-01T00:00:00.000Z", "2023-02-01T00:00:00.000Z"),
		days(query.Week, "2024-01-29T00:00:00.000Z", "2024-03-04T00:00:00.000Z", "2024-07-01T00:00:00.000Z", "2024-12-30T00:00:00.000Z", "2023-02-27T00:00:00.000Z"),
		days(query.Day, "2024-01-31T00:00:00.000Z", "2024-03-10T00:00:00.000Z", "2024-07-01T00:00:00.000Z", "2024-12-30T00:00:00.000Z", "2023-02-28T00:00:00.000Z"),
		days(query.Hour, "2024-01-31T23:00:00.000Z", "2024-03-10T01:00:00.000Z", "2024-07-01T12:00:00.000Z", "2024-12-30T22:00:00.000Z", "2023-02-28T00:00:00.000Z"),
		days(query.Minute, "2024-01-31T23:30:00.000Z", "2024-03-10T01:00:00.000Z", "2024-07-01T12:00:00.000Z", "2024-12-30T22:59:00.000Z", "2023-02-28T00:00:00.000Z"),
		days(query.Second, "2024-01-31T23:30:15.000Z", "2024-03-10T01:00:00.000Z", "2024-07-01T12:00:00.000Z", "2024-12-30T22:59:59.000Z", "2023-02-28T00:00:00.000Z"),
		{"parts", query.From(e).Where(id.In(query.Int(1), query.Int(2), query.Int(4))).Select(query.PartOf(local, query.PartYear).As("y"), query.PartOf(local, query.PartQuarter).As("q"), query.PartOf(local, query.PartMonth).As("m"), query.PartOf(local, query.PartDay).As("d"),
			query.PartOf(local, query.PartHour).As("h"), query.PartOf(local, query.PartMinute).As("i"), query.PartOf(local, query.PartSecond).As("s"), query.PartOf(local, query.PartWeekday).As("w"), query.PartOf(local, query.PartDayOfYear).As("n")),
			[][]string{{"2024", "1", "1", "31", "23", "30", "15", "3", "31"}, {"2024", "1", "3", "10", "1", "0", "0", "7", "70"}, {"2024", "4", "12", "30", "22", "59", "59", "1", "365"}}},
		{"time between", of(2).Select(between(local, "2024-03-12T00:59:59.500Z", query.Day).As("d"), between(local, "2024-03-12T00:59:59.500Z", query.Hour).As("h"), between(local, "2024-03-12T00:59:59.500Z", query.Second).As("s"),
			between(local, "2024-03-01T00:00:00.000Z", query.Week).As("w"), between(local, "2024-02-29T23:59:59.000Z", query.Month).As("m"), between(local, "2023-12-31T00:00:00.000Z", query.Quarter).As("q"), between(local, "2026-01-01T00:00:00.000Z", query.Year).As("y"), between(local, "2024-03-10T01:00:00.000Z", query.Minute).As("i")),
			[][]string{{"2", "1", "47", "172799", "-1", "-1", "-1", "2", "0"}}},
		{"local times", query.From(e).Where(id.Le(query.Int(3))).Select(id, instant(there).As("l"), query.DateOf(there).As("d")), [][]string{
			{"1", "2024-02-01T00:30:15.500Z", "2024-02-01"}, {"2", "2024-03-10T02:00:00.000Z", "2024-03-10"}, {"3", "2024-07-01T14:00:00.000Z", "2024-07-01"}}},
		{"instants of local times", query.From(e).Select(id, query.FromZone(query.TruncTime(there, query.Month), berlin()).As("m")), [][]string{
			{"1", "2024-01-31T23:00:00.000Z"}, {"2", "2024-02-29T23:00:00.000Z"}, {"3", "2024-06-30T22:00:00.000Z"}, {"4", "2024-11-30T23:00:00.000Z"}, {"5", "2023-01-31T23:00:00.000Z"}}},
		{"local times that clocks skip and show twice", of(1).Select(query.FromZone(query.LocalTime(time.Date(2024, 3, 31, 2, 30, 0, 0, time.UTC)), berlin()).As("s"), query.FromZone(query.LocalTime(time.Date(2024, 10, 27, 2, 30, 0, 0, time.UTC)), berlin()).As("t")),
			[][]string{{"1", "2024-03-31T01:30:00.000Z", "2024-10-27T01:30:00.000Z"}}},
		{"constant local times", of(1).Where(local.Eq(query.LocalTime(time.Date(2024, 1, 31, 23, 30, 15, 500_000_000, time.UTC)))), [][]string{{"1"}}},
		{"dates as times", of(1).Where(local.Lt(query.Midnight(feb))), [][]string{{"1"}}},
		{"anniversary", query.From(e).Where(local.Anniversary(time.Date(2026, 2, 28, 9, 0, 0, 0, time.UTC))).Select(id), [][]string{{"5"}}},
		in("last days", query.Rolling(summer, 86, query.Day), "2"),
		in("last months", query.Rolling(summer, 3, query.Month), "2"),
		in("previous months", query.Previous(summer, 3, query.Month, berlin()), "2"),
		in("previous weeks", query.Previous(summer.AddDate(0, 0, -79), 1, query.Week, berlin()), "2"),
		in("this year", query.This(summer, query.Year, berlin()), "1", "2", "3", "4"),
		in("this quarter", query.This(summer.AddDate(0, 1, 0), query.Quarter, berlin()), "3"),
		{"not within", query.From(e).Where(at.NotWithin(query.This(summer, query.Year, berlin()))).Select(id), [][]string{{"5"}}},
	}
}

func between(from query.Expr, to string, u query.Unit) query.Expr {
	t, err := time.Parse(time.RFC3339Nano, to)
	if err != nil {
		panic(err)
	}
	return query.Between(from, query.LocalTime(t), u)
}

func documents(e query.Relation) []Case {
	id, doc := e.Col("id"), query.Document{Value: e.Col("doc"), Native: "text"}
	first := query.From(e).Where(id.Eq(query.Int(1))).Select(id)
	has := func(name string, path ...query.Step) Case {
		return Case{name, query.From(e).Where(doc.Has(path...)).Select(id), nil}
	}
	with := func(c Case, want ...string) Case {
		for _, w := range want {
			c.Want = append(c.Want, []string{w})
		}
		return c
	}
	return []Case{
		{"texts in JSON", first.Select(doc.Text(query.In("a"), query.In("b"), query.At(1)).As("x"), doc.Text(query.In("a b")).As("q"), doc.Text(query.In("n")).As("n"), doc.Text(query.In("ok")).As("o"), doc.Text(query.In("z")).As("z"), doc.Text(query.ParsePath("a.c")...).As("c")),
			[][]string{{"1", "x", "it's", "12.5", "true", Null, Null}}},
		{"numbers in JSON", first.Select(doc.Number(query.In("n")).As("n"), doc.Number(query.ParsePath("a.b.0")...).As("b"), doc.Number(query.In("t")).As("t"), doc.Number(query.In("ok")).As("o"), doc.Number(query.In("none")).As("z")),
			[][]string{{"1", "12.5", "1", "7", Null, Null}}},
		{"booleans in JSON", query.From(e).Where(doc.Boolean(query.In("ok")).Eq(query.Bool(true)), doc.Boolean(query.In("no")).Eq(query.Bool(false)), doc.Boolean(query.In("n")).IsNull()).Select(id), [][]string{{"1"}}},
		with(has("something in JSON", query.In("a")), "1", "2"),
		with(has("something deep in JSON", query.In("a"), query.In("b")), "1"),
		has("nothing in JSON", query.In("z")),
		with(Case{"not in JSON", query.From(e).Where(query.Not(doc.Has(query.In("a")))).Select(id), nil}, "3", "4", "5"),
	}
}

func lists(e query.Relation) []Case {
	id, kind := e.Col("id"), e.Col("kind")
	text := func(e query.Expr) query.Member { return query.Member{Value: e, Type: value.TypeString} }
	list := query.List(text(kind), text(query.Text(`it's "so"`)))
	return []Case{
		{"lists", query.From(e).Where(id.Eq(query.Int(1))).Select(query.Canonical(list, value.TypeObject, "list").As("l"), query.ListLength(list).As("n")), [][]string{{`["view","it's \"so\""]`, "2"}}},
		{"lists that have an element", query.From(e).Where(query.ListContains(list, text(query.Text("buy"))), query.ListContains(list, text(query.Text(`it's "so"`)))).Select(id), [][]string{{"2"}, {"3"}}},
		{"lists of numbers", query.From(e).Where(query.ListContains(query.List(query.Member{Value: id, Type: value.TypeNumber}, query.Member{Value: e.Col("person"), Type: value.TypeNumber}), query.Member{Value: query.Int(2), Type: value.TypeNumber})).Select(id), [][]string{{"2"}, {"3"}, {"5"}}},
	}
}

func texts(e query.Relation) []Case {
	id, kind := e.Col("id"), e.Col("kind")
	where := func(name string, c query.Expr, want ...string) Case {
		var rows [][]string
		for _, w := range want {
			rows = append(rows, []string{w})
		}
		return Case{name, query.From(e).Where(c).Select(id), rows}
	}
	odd := query.Text(`50%_!\[a]`)
	return []Case{
		where("exactly", kind.Exactly("view"), "1", "4"),
		where("exactly, in other letters", kind.Exactly("View")),
		where("exactly, whatever the letters", query.Fold(kind.Exactly("View")), "1", "4"),
		where("contains", kind.Contains("ie"), "1", "4"),
		where("contains nothing", kind.Contains(""), "1", "2", "3", "4"),
		where("starts with", query.And(kind.StartsWith("b"), query.Not(kind.StartsWith("u"))), "2", "3"),
		where("ends with", query.Fold(kind.EndsWith("EW")), "1", "4"),
		where("characters that mean something in patterns", query.And(odd.Contains("%_!"), odd.EndsWith(`\[a]`), odd.Exactly(`50%_!\[a]`), query.Not(odd.Contains("0_")), query.Not(odd.Contains("[x]"))), "1", "2", "3", "4", "5"),
		where("matches", kind.Matches("^v[a-z]+w$"), "1", "4"),
		where("matches in part", kind.Matches("u"), "2", "3"),
		where("matches no other letters", kind.Matches("^VIEW$")),
	}
}

func shares(e query.Relation) []Case {
	id := e.Col("id")
	key := query.Concat(query.Text("é-"), query.Cast(id, query.TypeText))
	var want, share [][]string
	for _, n := range []string{"1", "2", "3", "4", "5"} {
		want = append(want, []string{n, value.OfInt(query.BucketOf("é-"+n, "salt's", 1000)).String()})
		if query.BucketOf("é-"+n, "a", 1_000_000) < 500_000 {
			share = append(share, []string{n})
		}
	}
	return []Case{
		{"buckets", query.From(e).Select(id, query.Bucket(key, "salt's", 1000).As("b")), want},
		{"share", query.From(e).Where(query.InShare(key, "a", 0, 50)).Select(id), share},
		{"no share", query.From(e).Where(query.InShare(key, "a", 50, 50)).Select(id), nil},
		{"sample of all", query.From(e).Sample(100).Select(id), [][]string{{"1"}, {"2"}, {"3"}, {"4"}, {"5"}}},
		{"sample of none", query.From(query.Sub(query.From(e).Sample(0).Select(id)).As("s")), nil},
		few("sample of a table", query.From(e).Sample(12.5).Select(id)),
		few("sample of a query", query.From(query.Sub(query.From(e).Select(id)).As("s")).Sample(12.5)),
	}
}

// few is a case that knows only that there are no more rows than the table has.
func few(name string, q query.Query) Case {
	s := query.Sub(q).As("few")
	return Case{name, query.From(s).Select(query.Case().When(query.Count().Le(query.Int(5)), query.Text("few")).Else(query.Text("many")).As("are")), [][]string{{"few"}}}
}

// Upserts are changes with what the table copies holds after them: id and age.
func Upserts(d query.Dialect, schema string) []struct {
	Name     string
	Commands []query.Command
	Want     [][]string
} {
	t := copies(schema)
	row := func(id, age int64) query.Query {
		return query.Values(query.Int(id).As("id"), query.Int(age).As("age"))
	}
	upsert := func(key []string, rows ...query.Query) []query.Command {
		return query.Upsert{Table: t, Query: query.Union(rows...), Key: key, Columns: []string{"id", "age"}}.Commands(d)
	}
	return []struct {
		Name     string
		Commands []query.Command
		Want     [][]string
	}{
		{"make a table to merge into", []query.Command{query.CreateTable{Table: t, Columns: []query.NewColumn{{Name: "id", Type: query.TypeInteger}, {Name: "age", Type: query.TypeInteger}}}}, nil},
		{"upsert into nothing", upsert([]string{"id"}, row(1, 10), row(2, 20)), [][]string{{"1", "10"}, {"2", "20"}}},
		{"upsert", upsert([]string{"id"}, row(2, 21), row(3, 30)), [][]string{{"1", "10"}, {"2", "21"}, {"3", "30"}}},
		{"upsert by two columns", upsert([]string{"id", "age"}, row(3, 31), row(2, 21)), [][]string{{"1", "10"}, {"2", "21"}, {"3", "30"}, {"3", "31"}}},
	}
}

// RunAnalysis executes Analysis, and what changes tables for it.
func RunAnalysis(t *testing.T, d Database) {
	t.Helper()
	for _, c := range append(SetupAnalysis(d.Schema), query.DropTable{Table: copies(d.Schema)}) {
		if err := d.Execute(t.Context(), d.Dialect.Command(c)); err != nil {
			t.Fatalf("%s: %v", d.Dialect.Command(c), err)
		}
	}
	for _, c := range Analysis(d.Schema) {
		d.check(t, c.Name, c.Query, c.Want)
	}
	if d.Dialect.Lacks(query.ConstructElements) == "" {
		m := query.Statement(`SELECT 2 AS id, CAST(NULL AS text[]) AS list UNION ALL SELECT 3, CAST(ARRAY[] AS text[])`).As("m")
		none := Case{"elements of no lists", query.From(m).Each(query.Elements(m.Col("list"), query.NativeArray).As("e")).Select(m.Col("id")), nil}
		for _, c := range append(Arrays(), none) {
			d.check(t, c.Name, c.Query, c.Want)
		}
	}
	d.checkSample(t)
	held := query.From(query.Table(copies(d.Schema)))
	for _, c := range Upserts(d.Dialect, d.Schema) {
		for _, command := range c.Commands {
			if err := d.Execute(t.Context(), d.Dialect.Command(command)); err != nil {
				t.Fatalf("%s: %s: %v", c.Name, d.Dialect.Command(command), err)
			}
		}
		d.check(t, c.Name, held, c.Want)
	}
}

// checkSample takes half of 15,625 rows, of a table and of a query: about as many, and never the same.
func (d Database) checkSample(t *testing.T) {
	t.Helper()
	many, first := query.TableRef{Schema: d.Schema, Name: "many"}, query.Table(events(d.Schema)).As("a")
	q := query.From(first)
	for _, name := range []string{"b", "c", "d", "e", "f"} {
		q = q.Join(query.Table(events(d.Schema)).As(name), query.Int(1).Eq(query.Int(1)))
	}
	create := query.CreateTableAs{Table: many, Query: q.Select(first.Col("id"))}
	for _, c := range []query.Command{query.DropTable{Table: many}, create} {
		if err := d.Execute(t.Context(), d.Dialect.Command(c)); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []query.Relation{query.Table(many).As("m"), query.Sub(query.From(query.Table(many))).As("m")} {
		half := query.From(query.Sub(query.From(r).Sample(50).Select(r.Col("id"))).As("h")).Select(query.Count().As("n"))
		rows, err := d.Query(t.Context(), d.Dialect.SQL(half))
		if err != nil {
			t.Errorf("%s: %v", d.Dialect.SQL(half), err)
			continue
		}
		if n, err := strconv.Atoi(rows[0][0]); err != nil || n < 7000 || n > 8600 { // more than ten standard deviations
			t.Errorf("%s yields %v", d.Dialect.SQL(half), rows)
		}
	}
}
