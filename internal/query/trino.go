package query

import (
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// Trino is Trino; Presto is Presto, whose instants have milliseconds.
//
//   - md5 is of bytes and gives bytes; there is no octet_length, and a text's length in characters tells as much
//     (https://trino.io/docs/current/functions/binary.html).
//   - A constant instant names its time zone, and an instant as text has a space and the zone's name
//     (https://trino.io/docs/current/functions/datetime.html).
//   - try_cast refuses pairs of types that never convert, and goes by text.
//   - An instant is hashed with microseconds, since a connector may keep it with other ones than the query had.
//   - What UPDATE, DELETE and CREATE TABLE AS do is up to the connector of the catalogue (unverified).
//   - Time is counted in milliseconds (https://trino.io/docs/current/functions/datetime.html). with_timezone is taken to be in Presto
//     too, MERGE not (unverified).
//   - The source sets the session's time zone to UTC.
var (
	Trino  = Dialect{Name: "trino", Quote: `"`, g: trinoGrammar("TIMESTAMP(6) WITH TIME ZONE", "2006-01-02 15:04:05.000000 UTC")}
	Presto = Dialect{Name: "presto", Quote: `"`, g: changed(trinoGrammar("TIMESTAMP WITH TIME ZONE", "2006-01-02 15:04:05.000 UTC"), func(g *grammar) { g.merge = false })}
)

func trinoGrammar(instant, layout string) *grammar {
	local := strings.TrimSuffix(instant, " WITH TIME ZONE")
	return grammarWith(func(g *grammar) {
		g.types = map[kind]string{
			kindText: "VARCHAR", kindInteger: "BIGINT", kindFloat: "DOUBLE", kindBoolean: "BOOLEAN", kindDate: "DATE",
			kindTimestamp: instant, kindJSON: "JSON", kindBytes: "VARBINARY", kindLocal: local,
		}
		g.float = "CAST('%s' AS DOUBLE)"
		g.instant, g.layout = "TIMESTAMP %s", layout
		g.json = "JSON_PARSE(%s)"
		g.digest, g.length = "lower(to_hex(md5(to_utf8(%s))))", "length(%s)"
		g.written = trinoWritten
		g.tryCast = trinoTry
		g.object = trinoObject("JSON_PARSE(%s)")
		g.lacks = map[string]string{ConstructCreateTemporary: "it has no temporary tables"}
		g.matches, g.bits = "regexp_like(%s, %s)", "from_base(substr(lower(to_hex(md5(to_utf8(%s)))), 1, 8), 16)"
		g.anyValue, g.approxDistinct = "arbitrary(%s)", "approx_distinct(%s)"
		g.stringAgg = stringAggAs("array_join(array_agg(%[1]s ORDER BY %[3]s) FILTER (WHERE %[1]s IS NOT NULL), %[2]s)")
		g.clock = trinoClock(local)
		g.dig = func(d Document, path []Step, all bool) Expr {
			if trinoClass(d.Native) == "nested" {
				d.Value = Cast(d.Value, Native("JSON"))
			}
			return digPath(bracketPath(`"`), "json_extract_scalar(%s, %s)", "nullif(json_format(json_extract(%s, %s)), 'null')")(d, path, all)
		}
		g.list, g.listLength, g.listContains = listAs("ARRAY[", "]"), "cardinality(%s)", "contains(%s, %s)"
		g.elements, g.each, g.elementColumns = trinoElements, "CROSS JOIN", "(element, occurrence)"
		g.merge = true
	})
}

func trinoClock(local string) clock {
	c := standardClock()
	c.literal, c.local = form("CAST(%s AS "+local+")"), form("CAST(%s AS "+local+")")
	c.zone, c.unzone = form("CAST(%s AT TIME ZONE %s AS "+local+")"), "with_timezone(%s, %s)"
	c.seconds, c.days, c.months = "date_add('second', %[2]d, %[1]s)", "date_add('day', %[2]d, %[1]s)", "date_add('month', %[2]d, %[1]s)"
	c.micros = "(date_diff('millisecond', %[1]s, %[2]s) * 1000)"
	c.part = "EXTRACT(%[2]s FROM %[1]s)"
	c.parts = map[Part]form{PartWeekday: "day_of_week(%[1]s)"}
	return c
}

// trinoElements is an array of rows, one of each element. JSON of a text is quoted, so that its first character tells what
// an element is (https://trino.io/docs/current/functions/json.html, https://trino.io/docs/current/sql/select.html#unnest).
func trinoElements(p *printer, array Expr, kind ArrayKind) {
	const row = "ROW(element VARCHAR, occurrence BIGINT)"
	const made = "CASE WHEN cardinality(%[1]s) > 0 THEN transform(sequence(1, cardinality(%[1]s)), i -> CAST(ROW(CAST(%[1]s[i] AS VARCHAR), CASE WHEN %[1]s[i] IS NULL THEN 1 ELSE cardinality(filter(slice(%[1]s, 1, i), x -> x = %[1]s[i])) END) AS " + row + ")) END"
	if kind == NativeArray {
		p.spell("UNNEST("+made+")", array)
		return
	}
	parsed := Cast(array, Native("JSON")) // Athena does not say of what an array is, so that it counts as JSON
	none := Or(array.IsNull(), spell("json_format(%s)", parsed).Eq(Text("null")))
	if kind == TextArray {
		parsed = spell("try(json_parse(%s))", array)
		none = Or(array.IsNull(), conditionOf("regexp_like(%s, %s)", array, Text("^"+blank+"(null"+blank+")?$")))
	}
	list := spell("try(CAST(%s AS ARRAY(JSON)))", parsed)
	plain := And(spell("substr(json_format(%s), 1, 1)", parsed).Eq(Text("[")), conditionOf("none_match(%s, x -> substr(json_format(x), 1, 1) IN ('[', '{'))", list))
	texts := spell("transform(%s, x -> json_extract_scalar(x, '$'))", list)
	p.spell("UNNEST(%s)", Case().When(none, spell("CAST(NULL AS ARRAY("+row+"))")).When(plain, spell(made, texts)).
		Else(spell("ARRAY[CAST(ROW(CAST(NULL AS VARCHAR), 0) AS "+row+")]")))
}

func trinoObject(whole form) func(members []Member) Expr {
	return textObject(textMember("json_format(CAST(%s AS JSON))", "to_base64(%s)", "varbinary"), whole)
}

func trinoWritten(e Expr, t value.Type, native string, key bool) Expr {
	switch {
	case t == value.TypeObject && strings.EqualFold(native, "json"):
		return function("json_format", e)
	case t == value.TypeObject:
		return function("json_format", Cast(e, Native("JSON")))
	case t == value.TypeTimestamp && key:
		return trimmed("regexp_replace", spell("replace(replace(CAST(%s AT TIME ZONE 'UTC' AS VARCHAR), ' UTC', 'Z'), ' ', 'T')", Cast(e, TypeTimestamp)))
	case t == value.TypeTimestamp:
		return spell("CAST(%s AT TIME ZONE 'UTC' AS VARCHAR)", Cast(e, TypeTimestamp))
	case strings.EqualFold(native, "varbinary"):
		return function("to_hex", e)
	default:
		return Cast(e, TypeText)
	}
}

func trinoTry(e Expr, was string, to Type, name string) Expr {
	from, into := trinoClass(was), trinoClass(name)
	text := Cast(e, TypeText)
	switch from {
	case "json":
		text = function("json_format", e)
	case "nested":
		text = function("json_format", Cast(e, Native("JSON")))
	}
	switch {
	case was == name:
		return Cast(e, to)
	case into == "text":
		return Cast(text, to)
	case into == "json" && from == "nested":
		return Cast(e, to)
	case into == "json" || into == "nested" || into == "bytes" || from == "bytes":
		return Null(to)
	default:
		return spell("TRY_CAST(%s AS %s)", text, castTo(to))
	}
}

// trinoClass groups types that convert in one way.
func trinoClass(native string) string {
	base, _, _ := strings.Cut(strings.ToLower(native), "(")
	switch strings.TrimSpace(base) {
	case "varchar", "char", "string":
		return "text"
	case "json":
		return "json"
	case "row", "array", "map", "struct":
		return "nested"
	case "varbinary", "binary":
		return "bytes"
	default:
		return base
	}
}
