package query

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// ClickHouse is ClickHouse, version 23 and newer.
//
//   - Columns are Nullable; a join gives null for what has no partner only where join_use_nulls is on
//     (https://clickhouse.com/docs/concepts/features/operations/select/join-settings), and a name means the column, not another
//     expression's alias, only where prefer_column_name_to_alias is on (unverified). Both stand behind each statement.
//   - A subquery does not see the query around it (unverified): semi and anti joins are joins
//     (https://clickhouse.com/docs/en/sql-reference/statements/select/join).
//   - Constants with a point are floats, so that decimals are made of texts (unverified).
//   - Tables are MergeTree tables without an order; UPDATE is a mutation that the statement waits for (unverified).
//     There are no transactions.
//   - LIKE has the backslash as its escape (https://clickhouse.com/docs/sql-reference/functions/string-search-functions, unverified).
//     LAG and LEAD are lagInFrame and leadInFrame of the whole
//     window (https://clickhouse.com/docs/reference/functions/window-functions/leadInFrame), of something that may be null.
//   - Names and texts have backslashes as escapes (https://clickhouse.com/docs/reference/syntax).
var ClickHouse = Dialect{Name: "clickhouse", Quote: "`", g: grammarWith(func(g *grammar) {
	g.name = escaped("`")
	g.types = map[kind]string{
		kindText: "Nullable(String)", kindInteger: "Nullable(Int64)", kindFloat: "Nullable(Float64)", kindBoolean: "Nullable(Bool)", kindDate: "Nullable(Date32)",
		kindTimestamp: "Nullable(DateTime64(6, 'UTC'))", kindJSON: "Nullable(String)", kindBytes: "Nullable(String)",
		kindLocal: "Nullable(DateTime64(6, 'UTC'))",
	}
	g.decimal = decimalAs("Nullable(Decimal(%d, %d))")
	g.tableOptions = " ENGINE = MergeTree ORDER BY tuple()"
	g.escape = escaped("'")
	g.number = clickhouseNumber
	g.float, g.day = "CAST('%s' AS Float64)", "toDate32(%s)"
	g.instant, g.layout = "toDateTime64(%s, 6, 'UTC')", "2006-01-02 15:04:05.000000"
	g.bytes, g.json = "unhex('%s')", "%s"
	g.distinct, g.joined = distinctByCase, "concat"
	g.digest, g.length = "lower(hex(MD5(%s)))", "length(%s)"
	g.written = clickhouseWritten
	g.tryCast = clickhouseTry
	g.object = textObject(textMember("toJSONString(%s)", "%s"), "%s")
	g.semi = true
	g.settings = " SETTINGS join_use_nulls = 1, prefer_column_name_to_alias = 1"
	g.needsWhere = true
	g.update, g.updated = "ALTER TABLE %s UPDATE %s", " SETTINGS mutations_sync = 1"
	g.createTableAs = createTableAs(" ENGINE = MergeTree ORDER BY tuple()", "")
	g.createTemporary = createTemporary("TEMPORARY", " ENGINE = Memory", "")
	g.sets = map[string]string{unionDistinct: "UNION DISTINCT", intersect: "INTERSECT DISTINCT", except: "EXCEPT DISTINCT"}
	g.nullable, g.calls, g.shiftInFrame = "toNullable(%s)", map[string]string{"lag": "lagInFrame", "lead": "leadInFrame"}, true
	g.mod, g.like, g.likeEscape = "modulo(%s, %s)", "%s LIKE %s", `\`
	g.matches, g.bits = "match(%s, %s)", "toInt64(reinterpretAsUInt32(reverse(substring(MD5(%s), 1, 4))))"
	g.anyValue, g.approxDistinct = "any(%s)", "uniq(%s)"
	g.listAgg, g.stringAgg = clickhouseListAgg, clickhouseStringAgg
	g.sample, g.random = "", "randCanonical() * 1000000 < %s"
	g.clock = clickhouseClock()
	g.dig = clickhouseDig
	g.list, g.listLength, g.listContains = listAs("[", "]"), "length(%s)", "has(%s, %s)"
})}

// clickhouseClock: a local time is a DateTime64 in UTC that shows what the clocks do.
func clickhouseClock() clock {
	c := standardClock()
	c.now, c.literal, c.local, c.date = "now64(6, 'UTC')", "toDateTime64(%s, 6, 'UTC')", "toDateTime64(%s, 6, 'UTC')", "toDate32(%s)"
	c.zone, c.unzone = "toDateTime64(toString(toTimeZone(%s, %s)), 6, 'UTC')", "toTimeZone(toDateTime64(toString(%s), 6, %s), 'UTC')"
	c.seconds, c.days, c.months = "addSeconds(%[1]s, %[2]d)", "addDays(%[1]s, %[2]d)", "addMonths(%[1]s, %[2]d)"
	c.micros = "(toUnixTimestamp64Micro(%[2]s) - toUnixTimestamp64Micro(%[1]s))"
	c.trunc = "toDateTime64(date_trunc('%[2]s', %[1]s), 6, 'UTC')"
	c.part = "%[2]s(%[1]s)"
	c.parts = nil
	c.partWords = map[Part]string{
		PartYear: "toYear", PartQuarter: "toQuarter", PartMonth: "toMonth", PartDay: "toDayOfMonth", PartHour: "toHour", PartMinute: "toMinute",
		PartSecond: "toSecond", PartWeekday: "toDayOfWeek", PartDayOfYear: "toDayOfYear",
	}
	return c
}

// clickhouseGathered are the group's values, sorted by their keys: aggregates take no order, and arrays are sorted in one
// direction (https://clickhouse.com/docs/sql-reference/functions/array-functions, unverified for keys that are null).
func clickhouseGathered(p *printer, v Expr, orders []Order) string {
	keys, sort, known := []Expr(nil), "arraySort", "isNull"
	if orders[0].desc {
		sort, known = "arrayReverseSort", "isNotNull"
	}
	for _, o := range orders {
		if o.desc != orders[0].desc {
			panic(lacking{p.d.Name, ConstructListAgg, "the values of a group are sorted in one direction"})
		}
		keys = append(keys, function(known, o.by), o.by)
	}
	value := p.apart(func(q *printer) { q.expr(v, levelConcat) })
	return fmt.Sprintf("arrayMap(t -> tupleElement(t, 1), %s(t -> tupleElement(t, 2), groupArrayIf(tuple(assumeNotNull(%[2]s), %[3]s), isNotNull(%[2]s))))", sort, value,
		p.apart(func(q *printer) { q.expr(function("tuple", keys...), levelOr) }))
}

// clickhouseListAgg: an array is never null, so that one of no values is empty.
func clickhouseListAgg(p *printer, m Member, orders []Order) {
	p.text(clickhouseGathered(p, m.Value, orders))
}

func clickhouseStringAgg(p *printer, e, separator Expr, orders []Order) {
	value := p.apart(func(q *printer) { q.expr(e, levelConcat) })
	p.text(fmt.Sprintf("CASE WHEN count(%s) > 0 THEN arrayStringConcat(%s, %s) END", value, clickhouseGathered(p, e, orders), p.apart(func(q *printer) { q.expr(separator, levelOr) })))
}

// clickhouseDig: places in arrays count from 1, and JSON's type Null is also that of what is not there
// (https://clickhouse.com/docs/sql-reference/functions/json-functions, unverified).
func clickhouseDig(d Document, path []Step, _ bool) Expr {
	if base := clickhouseBase(d.Native); base == "JSON" || base == "Map" || base == "Tuple" || base == "Object" {
		d.Value = function("toJSONString", d.Value)
	}
	args := []Expr{d.Value}
	for _, s := range path {
		if s.array {
			args = append(args, Int(int64(s.index)+1))
		} else {
			args = append(args, Text(s.name))
		}
	}
	kind := Cast(function("JSONType", args...), TypeText)
	return Case().When(kind.Eq(Text("String")), function("JSONExtractString", args...)).
		When(kind.Ne(Text("Null")), function("JSONExtractRaw", args...)).End()
}

func clickhouseNumber(text string) string {
	_, behind, _ := strings.Cut(text, ".")
	if len(text) > 38 || strings.ContainsAny(text, "eE") {
		return fmt.Sprintf("toDecimal256('%s', %d)", text, min(len(behind), 38))
	}
	return fmt.Sprintf("toDecimal128('%s', %d)", text, len(behind))
}

func clickhouseWritten(e Expr, t value.Type, native string, key bool) Expr {
	switch {
	case t == value.TypeObject && clickhouseBase(native) != "String":
		return function("toJSONString", e)
	case t == value.TypeTimestamp && key:
		return trimmed("replaceRegexpOne", spell("concat(replaceOne(toString(toDateTime64(%s, 6, 'UTC')), ' ', 'T'), 'Z')", e))
	case t == value.TypeTimestamp:
		return spell("toString(toDateTime64(%s, 9, 'UTC'))", e)
	default:
		return Cast(e, TypeText)
	}
}

func clickhouseTry(e Expr, was string, to Type, name string) Expr {
	switch {
	case was == name || clickhouseBase(name) == "String":
		return Cast(e, to)
	case clickhouseBase(name) == "Array", clickhouseBase(name) == "Map", clickhouseBase(name) == "Tuple", clickhouseBase(name) == "JSON":
		return Null(to)
	default:
		return function("accurateCastOrNull", Cast(e, TypeText), Text(clickhouseInner(name)))
	}
}

// clickhouseInner is a type without what says that it may be null or is in a dictionary.
func clickhouseInner(native string) string {
	for _, around := range []string{"LowCardinality(", "Nullable("} {
		if inner, found := strings.CutPrefix(native, around); found {
			native = strings.TrimSuffix(inner, ")")
		}
	}
	return native
}

func clickhouseBase(native string) string {
	base, _, _ := strings.Cut(clickhouseInner(native), "(")
	return base
}
