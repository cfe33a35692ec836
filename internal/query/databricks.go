package query

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// Databricks is Databricks SQL, whose tables are Delta tables.
//
//   - A backslash in a text is an escape, and two quotes are no quote
//     (https://docs.databricks.com/en/sql/language-manual/data-types/string-type.html).
//   - JSON is text: VARIANT is younger than the runtimes that are in use (unverified).
//   - try_cast refuses pairs of types that never convert
//     (https://docs.databricks.com/sql/language-manual/functions/try_cast.html), and goes by text.
//   - The source sets the session's time zone to UTC, in which instants are written (unverified).
//   - get_json_object takes names between brackets and quotes, without quotes in them (unverified); timestampadd, any_value
//     and array_size came with versions 10 and 11 of the runtime (unverified).
//   - A statement is a transaction; there is none around several (unverified).
var Databricks = Dialect{Name: "databricks", Quote: "`", g: grammarWith(func(g *grammar) {
	g.name = doubled("`")
	g.types = map[kind]string{
		kindText: "STRING", kindInteger: "BIGINT", kindFloat: "DOUBLE", kindBoolean: "BOOLEAN", kindDate: "DATE",
		kindTimestamp: "TIMESTAMP", kindJSON: "STRING", kindBytes: "BINARY", kindLocal: "TIMESTAMP",
	}
	g.escape = escaped("'")
	g.float, g.instant, g.json = "CAST('%s' AS DOUBLE)", "CAST(%s AS TIMESTAMP)", "%s"
	g.written = databricksWritten
	g.tryCast = databricksTry
	g.object = textObject(textMember(databricksQuoted, "base64(%s)", "binary"), "%s")
	g.merge = true
	g.lacks = map[string]string{ConstructCreateTemporary: "temporary tables are younger than the runtimes that are in use"}
	g.matches, g.bits = "%s RLIKE %s", "CAST(conv(left(md5(%s), 8), 16, 10) AS BIGINT)"
	g.listAgg = databricksListAgg
	g.stringAgg = func(p *printer, e, separator Expr, orders []Order) {
		p.text("array_join(")
		databricksListAgg(p, Member{Value: e}, orders)
		p.text(", ")
		p.expr(separator, levelOr)
		p.text(")")
	}
	g.sample, g.sampleFirst, g.random = " TABLESAMPLE (%s PERCENT)", true, "rand() * 1000000 < %s"
	g.clock = databricksClock()
	g.dig = digText(databricksNested, digPath(bracketPath("'"), "get_json_object(%s, %s)", ""))
	g.list, g.listLength, g.listContains = listAs("array(", ")"), "array_size(%s)", "array_contains(%s, %s)"
	g.elements, g.elementColumns = databricksElements, "(element, occurrence)"
})}

// databricksClock takes an instant for the local time that it is in UTC, the session's time zone.
func databricksClock() clock {
	c := standardClock()
	c.now = "current_timestamp()"
	c.zone, c.unzone = "from_utc_timestamp(%s, %s)", "to_utc_timestamp(%s, %s)"
	c.seconds, c.days, c.months = "timestampadd(SECOND, %[2]d, %[1]s)", "timestampadd(DAY, %[2]d, %[1]s)", "timestampadd(MONTH, %[2]d, %[1]s)"
	c.micros = "timestampdiff(MICROSECOND, %[1]s, %[2]s)"
	c.parts[PartWeekday] = "(weekday(%[1]s) + 1)"
	return c
}

// databricksListAgg sorts what was collected: the aggregate itself takes no order
// (https://docs.databricks.com/en/sql/language-manual/functions/array_sort.html, unverified).
func databricksListAgg(p *printer, m Member, orders []Order) {
	v := p.apart(func(q *printer) { q.expr(m.Value, levelConcat) })
	var keys, compared strings.Builder
	for i, o := range orders {
		key, first, second := fmt.Sprintf("k%d", i), -1, 1
		fmt.Fprintf(&keys, ", '%s', %s", key, p.apart(func(q *printer) { q.expr(o.by, levelOr) }))
		if o.desc {
			first, second = 1, -1
		}
		fmt.Fprintf(&compared, " WHEN a.%[1]s IS NULL AND b.%[1]s IS NOT NULL THEN 1 WHEN b.%[1]s IS NULL AND a.%[1]s IS NOT NULL THEN -1 WHEN a.%[1]s < b.%[1]s THEN %[2]d WHEN a.%[1]s > b.%[1]s THEN %[3]d", key, first, second)
	}
	p.text(fmt.Sprintf("CASE WHEN count(%[1]s) > 0 THEN transform(array_sort(collect_list(named_struct('v', %[1]s%[2]s)) FILTER (WHERE %[1]s IS NOT NULL), (a, b) -> CASE%[3]s ELSE 0 END), s -> s.v) END", v, keys.String(), compared.String()))
}

// databricksElements is an array of structures, one of each element. A function in the place of a relation came with
// version 12.2 of the runtime (https://docs.databricks.com/sql/language-manual/functions/inline.html); VARIANT, which
// tells what a text is, with version 15.3
// (https://docs.databricks.com/sql/language-manual/functions/schema_of_variant.html): arrays in texts need it. No value at all is
// no null of a VARIANT (https://apache.github.io/spark/api/sql/variant-functions).
func databricksElements(p *printer, array Expr, kind ArrayKind) {
	const structs = "transform(%[1]s, (x, i) -> named_struct('element', CAST(x AS STRING), 'occurrence', CASE WHEN x IS NULL THEN 1 ELSE size(filter(slice(%[1]s, 1, i + 1), y -> CAST(y AS STRING) = CAST(x AS STRING))) END))"
	if kind == NativeArray {
		p.spell("inline("+structs+")", array)
		return
	}
	parsed, none := array, Or(array.IsNull(), conditionOf("is_variant_null(%s)", array))
	if kind == TextArray {
		parsed = function("try_parse_json", array)
		none = Or(array.IsNull(), conditionOf("%s RLIKE %s", array, Text("^"+blank+"(null"+blank+")?$")))
	}
	list := spell("try_variant_get(%s, '$', 'ARRAY<VARIANT>')", parsed)
	nested := conditionOf("size(filter(%s, x -> schema_of_variant(x) LIKE 'ARRAY<%%' OR schema_of_variant(x) LIKE 'OBJECT<%%')) > 0", list)
	plain := And(conditionOf("schema_of_variant(%s) LIKE 'ARRAY<%%'", parsed), Not(nested))
	const none0 = "named_struct('element', CAST(NULL AS STRING), 'occurrence', 0)"
	p.spell("inline(%s)", Case().When(none, spell("filter(array("+none0+"), x -> FALSE)")).
		When(plain, spell(structs, spell("transform(%s, x -> CAST(x AS STRING))", list))).Else(spell("array("+none0+")")))
}

// DatabricksANSI is Databricks as people write it who come from SQL-92: names in double quotes, and in texts two quotes
// for one and no escapes. The warehouse itself reads it so only where an administrator says so; the source writes it
// in the quotes of Databricks.
var DatabricksANSI = Dialect{Name: "databricks_ansi", Quote: `"`, g: changed(Databricks.g, func(g *grammar) {
	g.name, g.escape = doubled(`"`), doubled("'")
})}

// databricksQuoted: to_json takes structures only, so that a text is taken out of one.
const databricksQuoted form = "CASE WHEN %[1]s IS NOT NULL THEN substring(to_json(named_struct('v', %[1]s)), 6, length(to_json(named_struct('v', %[1]s))) - 6) END"

func databricksWritten(e Expr, t value.Type, native string, key bool) Expr {
	switch {
	case t == value.TypeObject && databricksNested(native):
		return function("to_json", e)
	case t == value.TypeTimestamp:
		micros := function("date_format", e, Text("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'"))
		if key {
			return trimmed("regexp_replace", micros)
		}
		return micros
	case strings.EqualFold(native, "binary"):
		return function("hex", e)
	default:
		return Cast(e, TypeText)
	}
}

func databricksTry(e Expr, was string, to Type, name string) Expr {
	switch {
	case was == name:
		return Cast(e, to)
	case databricksNested(name):
		return Null(to)
	case databricksNested(was):
		return spell("try_cast(%s AS %s)", function("to_json", e), castTo(to))
	default:
		return spell("try_cast(%s AS %s)", Cast(e, TypeText), castTo(to))
	}
}

func databricksNested(native string) bool {
	base, _, _ := strings.Cut(strings.ToLower(native), "<")
	switch base {
	case "struct", "array", "map", "variant":
		return true
	default:
		return false
	}
}
