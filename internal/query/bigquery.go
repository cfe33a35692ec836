package query

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// BigQuery is Google BigQuery (GoogleSQL).
//
//   - Names stand between backticks, with the escapes of texts; a text has no line end but as an escape
//     (https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical).
//   - A number with a point is a FLOAT64, so that decimals are NUMERIC, with 29 digits before the point and 9 behind it,
//     or BIGNUMERIC (https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types, unverified). As text a decimal
//     has no zeros at the end (unverified).
//   - SAFE_CAST refuses pairs of types that never convert, and goes by text
//     (https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_functions).
//   - UPDATE and DELETE must have a condition (https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax, unverified).
//   - JSON_VALUE and JSON_QUERY have names in double quotes (https://google.github.io/bigframes/reference/api/bigframes.bigquery.json_value.html).
//     LIKE has the backslash as its escape and no ESCAPE (unverified). A sample is of blocks
//     (https://cloud.google.com/bigquery/docs/table-sampling).
//   - A statement that changes rows is a transaction of its own (https://cloud.google.com/bigquery/docs/data-manipulation-language).
var BigQuery = Dialect{Name: "bigquery", Quote: "`", g: grammarWith(func(g *grammar) {
	g.name = escaped("`")
	g.types = map[kind]string{
		kindText: "STRING", kindInteger: "INT64", kindFloat: "FLOAT64", kindBoolean: "BOOL", kindDate: "DATE",
		kindTimestamp: "TIMESTAMP", kindJSON: "JSON", kindBytes: "BYTES", kindLocal: "DATETIME",
	}
	g.decimal = func(precision, scale int) string {
		if precision-scale > 29 || scale > 9 {
			return fmt.Sprintf("BIGNUMERIC(%d, %d)", precision, scale)
		}
		return fmt.Sprintf("NUMERIC(%d, %d)", precision, scale)
	}
	g.escape = escaped("'")
	g.number = bigqueryNumber
	g.float = "CAST('%s' AS FLOAT64)"
	g.instant, g.layout = "CAST(%s AS TIMESTAMP)", "2006-01-02 15:04:05.000000+00:00"
	g.bytes, g.json = "FROM_HEX('%s')", "PARSE_JSON(%s, wide_number_mode => 'round')"
	g.digest, g.length = "TO_HEX(MD5(%s))", "BYTE_LENGTH(%s)"
	g.written = bigqueryWritten
	g.tryCast = bigqueryTry
	g.object = textObject(textMember("TO_JSON_STRING(%s)", "TO_BASE64(%s)", "bytes"), "PARSE_JSON(%s, wide_number_mode => 'round')")
	g.needsWhere = true
	g.merge = true
	g.createTemporary = createTemporary("TEMP", "", "")
	g.sets = map[string]string{unionDistinct: "UNION DISTINCT", intersect: "INTERSECT DISTINCT", except: "EXCEPT DISTINCT"}
	g.nullsLast = "" // an order inside of an aggregate does not take it everywhere
	g.like, g.likeEscape = "%s LIKE %s", `\`
	g.matches, g.bits = "REGEXP_CONTAINS(%s, %s)", "CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5(%s)), 1, 8)) AS INT64)"
	g.approxDistinct = "APPROX_COUNT_DISTINCT(%s)"
	g.stringAgg, g.listAgg = stringAggAs(stringAggInside), listAggAs("ARRAY_AGG(%[1]s IGNORE NULLS ORDER BY %[2]s)")
	g.sample, g.random = " TABLESAMPLE SYSTEM (%s PERCENT)", "RAND() * 1000000 < %s"
	g.clock = bigqueryClock()
	g.dig = func(d Document, path []Step, all bool) Expr {
		d.Value = bigqueryJSON(d.Value, d.Native)
		return digPath(dollarPath, "JSON_VALUE(%s, %s)", "NULLIF(TO_JSON_STRING(JSON_QUERY(%s, %s)), 'null')")(d, path, all)
	}
	g.list, g.listLength, g.listContains = listAs("[", "]"), "ARRAY_LENGTH(%s)", "%[2]s IN UNNEST(%[1]s)"
	g.elements, g.each = bigqueryElements, "CROSS JOIN"
})}

func bigqueryClock() clock {
	c := standardClock()
	c.now, c.literal, c.local = "CURRENT_TIMESTAMP()", "CAST(%s AS DATETIME)", "CAST(%s AS DATETIME)"
	c.zone, c.unzone = "DATETIME(%s, %s)", "TIMESTAMP(%s, %s)"
	c.seconds, c.days, c.months = "DATETIME_ADD(%[1]s, INTERVAL %[2]d SECOND)", "DATETIME_ADD(%[1]s, INTERVAL %[2]d DAY)", "DATETIME_ADD(%[1]s, INTERVAL %[2]d MONTH)"
	c.micros = "DATETIME_DIFF(%[2]s, %[1]s, MICROSECOND)"
	c.trunc = "DATETIME_TRUNC(%[1]s, %[2]s)"
	c.units = map[Unit]string{Second: "SECOND", Minute: "MINUTE", Hour: "HOUR", Day: "DAY", Week: "ISOWEEK", Month: "MONTH", Quarter: "QUARTER", Year: "YEAR"}
	c.part = "EXTRACT(%[2]s FROM %[1]s)"
	c.parts = map[Part]form{PartWeekday: "(MOD(EXTRACT(DAYOFWEEK FROM %[1]s) + 5, 7) + 1)", PartDayOfYear: "EXTRACT(DAYOFYEAR FROM %[1]s)"}
	return c
}

// bigqueryJSON is JSON of a column; null of a text that is none.
func bigqueryJSON(e Expr, native string) Expr {
	switch {
	case strings.EqualFold(bigqueryBase(native), "JSON"):
		return e
	case bigqueryNested(native):
		return function("TO_JSON", e)
	default:
		return spell("SAFE.PARSE_JSON(%s, wide_number_mode => 'round')", e)
	}
}

// bigqueryElements is an array of structures, one of each element: a subquery may read an array of the row around it, and
// nothing else (https://cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax#unnest_operator,
// https://cloud.google.com/bigquery/docs/arrays, unverified for the window function in it).
func bigqueryElements(p *printer, array Expr, kind ArrayKind) {
	const structs = "ARRAY(SELECT AS STRUCT v AS `element`, CASE WHEN v IS NULL THEN 1 ELSE ROW_NUMBER() OVER (PARTITION BY v ORDER BY n) END AS `occurrence` FROM "
	if kind == NativeArray {
		p.spell("UNNEST("+structs+"(SELECT CAST(x AS STRING) AS v, n FROM UNNEST(%s) AS x WITH OFFSET AS n)))", array)
		return
	}
	parsed, none := array, Or(array.IsNull(), spell("JSON_TYPE(%s)", array).Eq(Text("null")))
	if kind == TextArray {
		parsed = bigqueryJSON(array, "STRING")
		none = Or(array.IsNull(), conditionOf("REGEXP_CONTAINS(%s, %s)", array, Text("^"+blank+"(null"+blank+")?$")))
	}
	nested := conditionOf("EXISTS (SELECT 1 FROM UNNEST(JSON_QUERY_ARRAY(%s)) AS x WHERE JSON_TYPE(x) IN ('array', 'object'))", parsed)
	plain := And(spell("JSON_TYPE(%s)", parsed).Eq(Text("array")), Not(nested))
	texts := spell(structs+"(SELECT JSON_VALUE(x) AS v, n FROM UNNEST(JSON_QUERY_ARRAY(%s)) AS x WITH OFFSET AS n))", parsed)
	p.spell("UNNEST(%s)", Case().When(none, spell("ARRAY<STRUCT<`element` STRING, `occurrence` INT64>>[]")).When(plain, texts).
		Else(spell("[STRUCT(CAST(NULL AS STRING) AS `element`, 0 AS `occurrence`)]")))
}

func bigqueryNumber(text string) string {
	whole, behind, _ := strings.Cut(strings.TrimLeft(text, "+-"), ".")
	if len(whole) > 29 || len(behind) > 9 || strings.ContainsAny(text, "eE") {
		return "BIGNUMERIC '" + text + "'"
	}
	return "NUMERIC '" + text + "'"
}

func bigqueryWritten(e Expr, t value.Type, native string, key bool) Expr {
	switch {
	case t == value.TypeObject:
		return function("TO_JSON_STRING", e)
	case t == value.TypeTimestamp:
		micros := spell("FORMAT_TIMESTAMP('%%Y-%%m-%%dT%%H:%%M:%%E6SZ', %s, 'UTC')", Cast(e, TypeTimestamp))
		if key {
			return trimmed("REGEXP_REPLACE", micros)
		}
		return micros
	case strings.EqualFold(bigqueryBase(native), "BYTES"):
		return function("TO_HEX", e)
	case strings.EqualFold(bigqueryBase(native), "GEOGRAPHY"):
		return function("ST_ASTEXT", e)
	default:
		return Cast(e, TypeText)
	}
}

func bigqueryTry(e Expr, was string, to Type, name string) Expr {
	text := Cast(e, TypeText)
	if bigqueryNested(was) {
		text = function("TO_JSON_STRING", e)
	}
	switch {
	case was == name:
		return Cast(e, to)
	case strings.EqualFold(bigqueryBase(name), "JSON"):
		return function("TO_JSON", e)
	case bigqueryNested(name) || strings.EqualFold(bigqueryBase(name), "BYTES"):
		return Null(to)
	default:
		return spell("SAFE_CAST(%s AS %s)", text, castTo(to))
	}
}

func bigqueryBase(native string) string {
	base, _, _ := strings.Cut(native, "(")
	base, _, _ = strings.Cut(base, "<")
	return strings.TrimSpace(base)
}

func bigqueryNested(native string) bool {
	switch strings.ToUpper(bigqueryBase(native)) {
	case "JSON", "ARRAY", "STRUCT", "RECORD":
		return true
	default:
		return false
	}
}
