package query

import (
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// Snowflake is Snowflake.
//
//   - A backslash in a text is an escape
//     (https://docs.snowflake.com/en/sql-reference/data-types-text#escape-sequences-in-single-quoted-string-constants).
//   - TRY_CAST takes texts only (https://docs.snowflake.com/en/sql-reference/functions-conversion).
//   - MD5 has 32 hexadecimal digits (https://docs.snowflake.com/sql-reference/functions/md5).
//   - Floats as text have all their digits in the form TME (https://docs.snowflake.com/en/sql-reference/sql-format-models);
//     how a cast writes them depends on nothing that we set (unverified).
//   - VALUES takes only what can be computed before the statement runs
//     (https://docs.snowflake.com/sql-reference/constructs/values), PARSE_JSON not: rows of constants are selected.
//   - Names that nobody quoted are in capitals, and ours are quoted: the source gives a schema's name as the database has
//     it (https://docs.snowflake.com/en/sql-reference/identifiers-syntax, unverified).
//   - A week of DATE_TRUNC begins where the session says, DAYOFWEEKISO is always from Monday
//     (https://docs.snowflake.com/en/sql-reference/functions-date-time, unverified). REGEXP_LIKE is of the whole text, REGEXP_INSTR of
//     a part (unverified).
//   - The source sets TIMEZONE to UTC, in which instants without a time zone are read.
var Snowflake = Dialect{Name: "snowflake", Quote: `"`, g: snowflakeGrammar()}

func snowflakeGrammar() *grammar {
	return grammarWith(func(g *grammar) {
		g.types = map[kind]string{
			kindText: "VARCHAR", kindInteger: "BIGINT", kindFloat: "FLOAT", kindBoolean: "BOOLEAN", kindDate: "DATE",
			kindTimestamp: "TIMESTAMP_TZ(9)", kindJSON: "VARIANT", kindBytes: "BINARY", kindLocal: "TIMESTAMP_NTZ(9)",
		}
		g.decimal = decimalAs("NUMBER(%d, %d)")
		g.escape = quotedTwice
		g.float, g.day = "CAST('%s' AS FLOAT)", "TO_DATE(%s, 'YYYY-MM-DD')"
		g.instant, g.layout = "TO_TIMESTAMP_TZ(%s, 'YYYY-MM-DD HH24:MI:SS.FF6 TZH:TZM')", "2006-01-02 15:04:05.000000 +00:00"
		g.bytes, g.json = "TO_BINARY('%s', 'HEX')", "PARSE_JSON(%s)"
		g.written = snowflakeWritten
		g.tryCast = snowflakeTry
		g.object = snowflakeObject("PARSE_JSON(%s)")
		g.rowsSelected = true
		g.merge = true
		g.matches, g.bits = "REGEXP_INSTR(%s, %s) > 0", "TO_NUMBER(LEFT(MD5(%s), 8), 'XXXXXXXX')"
		g.approxDistinct, g.random = "APPROX_COUNT_DISTINCT(%s)", "UNIFORM(0, 999999, RANDOM()) < %s"
		g.listAgg = listAggAs("ARRAY_AGG(%[1]s) WITHIN GROUP (ORDER BY %[2]s)")
		g.clock = snowflakeClock()
		g.dig = snowflakeDig
		g.list, g.listLength, g.listContains = listAs("ARRAY_CONSTRUCT(", ")"), "ARRAY_SIZE(%s)", "ARRAY_CONTAINS(TO_VARIANT(%[2]s), %[1]s)"
		g.elements, g.elementColumn = snowflakeElements, snowflakeElementColumn
	})
}

func snowflakeClock() clock {
	c := dateadd(standardClock())
	c.now, c.literal = "CAST(CURRENT_TIMESTAMP AS TIMESTAMP_TZ(9))", "TO_TIMESTAMP_NTZ(%s)"
	c.local = "CAST(%s AS TIMESTAMP_NTZ(9))"
	c.zone = "CAST(CONVERT_TIMEZONE(%[2]s, CAST(%[1]s AS TIMESTAMP_TZ(9))) AS TIMESTAMP_NTZ(9))"
	c.unzone = "CAST(CONVERT_TIMEZONE(%[2]s, 'UTC', %[1]s) AS TIMESTAMP_TZ(9))"
	c.truncs = map[Unit]form{Week: "DATEADD(DAY, 1 - DAYOFWEEKISO(%[1]s), DATE_TRUNC('day', %[1]s))"}
	c.part, c.parts = "DATE_PART('%[2]s', %[1]s)", map[Part]form{PartWeekday: "DAYOFWEEKISO(%[1]s)", PartDayOfYear: "DAYOFYEAR(%[1]s)"}
	return c
}

// snowflakeDig goes into a VARIANT by GET, whose names mean nothing else, and a VARIANT's null is none as text
// (https://docs.snowflake.com/en/sql-reference/functions/get, unverified).
func snowflakeDig(d Document, path []Step, all bool) Expr {
	begin := itself
	if snowflakeClass(d.Native) == "text" {
		begin = func(e Expr) Expr { return function("TRY_PARSE_JSON", e) }
	}
	return digSteps("GET(%s, %s)", "GET(%s, %s)", begin, func(e Expr) Expr { return Cast(e, TypeText) })(d, path, all)
}

// snowflakeElements flattens an array of texts. What is no array of plain values is one element that is an object.
//
//   - https://docs.snowflake.com/en/sql-reference/functions/flatten
//   - https://docs.snowflake.com/sql-reference/functions/transform
//   - https://docs.snowflake.com/sql-reference/functions/filter
//   - https://docs.snowflake.com/release-notes/bcr-bundles/2023_01/bcr-882 (ARRAY_POSITION)
func snowflakeElements(p *printer, array Expr, kind ArrayKind) {
	const texts form = "TRANSFORM(%s, x -> CAST(x AS VARCHAR))"
	elements := spell(texts, array)
	if kind != NativeArray {
		parsed := function("TO_VARIANT", array)
		none := Or(array.IsNull(), conditionOf("IS_NULL_VALUE(%s)", parsed))
		if kind == TextArray {
			parsed = function("TRY_PARSE_JSON", array)
			none = Or(array.IsNull(), conditionOf("REGEXP_LIKE(%s, %s)", array, Text(blank+"(null"+blank+")?")))
		}
		list := function("AS_ARRAY", parsed)
		nested := spell("ARRAY_SIZE(FILTER(%s, x -> IS_ARRAY(x) OR IS_OBJECT(x)))", list)
		elements = Case().When(none, spell("ARRAY_CONSTRUCT()")).
			When(And(conditionOf("IS_ARRAY(%s)", parsed), nested.Eq(Int(0))), spell(texts, list)).
			Else(spell("ARRAY_CONSTRUCT(OBJECT_CONSTRUCT('none', TRUE))"))
	}
	p.spell("FLATTEN(INPUT => %s)", elements)
}

// snowflakeElementColumn: of what is flattened, THIS is the whole array and INDEX the place in it.
var snowflakeElementColumn = map[string]form{
	Element:    "AS_VARCHAR(%[1]s.VALUE)",
	Occurrence: "CASE WHEN IS_OBJECT(%[1]s.VALUE) THEN 0 WHEN AS_VARCHAR(%[1]s.VALUE) IS NULL OR ARRAY_POSITION(%[1]s.VALUE, %[1]s.THIS) = %[1]s.INDEX THEN 1 ELSE 2 END",
}

func snowflakeObject(whole form) func(members []Member) Expr {
	return textObject(textMember("TO_JSON(TO_VARIANT(%s))", "BASE64_ENCODE(%s)", "binary", "varbinary"), whole)
}

// snowflakeWritten: a hash takes an instant's nanoseconds, a key its microseconds.
func snowflakeWritten(e Expr, t value.Type, native string, key bool) Expr {
	utc := spell("CONVERT_TIMEZONE('UTC', %s)", Cast(e, TypeTimestamp))
	class := snowflakeClass(native)
	switch {
	case t == value.TypeObject:
		return function("TO_JSON", function("TO_VARIANT", e))
	case t == value.TypeTimestamp && key:
		return trimmed("REGEXP_REPLACE", spell(`TO_CHAR(%s, 'YYYY-MM-DD"T"HH24:MI:SS.FF6"Z"')`, utc))
	case t == value.TypeTimestamp:
		return spell(`TO_CHAR(%s, 'YYYY-MM-DD"T"HH24:MI:SS.FF9"Z"')`, utc)
	case t == value.TypeDate:
		return spell("TO_CHAR(%s, 'YYYY-MM-DD')", e)
	case class == "float":
		return spell("TO_CHAR(%s, 'TME')", e)
	case class == "bytes":
		return function("HEX_ENCODE", e)
	default:
		return Cast(e, TypeText)
	}
}

func snowflakeTry(e Expr, was string, to Type, name string) Expr {
	from, into := snowflakeClass(was), snowflakeClass(name)
	switch {
	case was == name, into == "text":
		return Cast(e, to)
	case into == "variant":
		return function("TO_VARIANT", e)
	case from == "text":
		return spell("TRY_CAST(%s AS %s)", e, castTo(to))
	case into == "object" || into == "array" || into == "bytes":
		return Null(to)
	default:
		return spell("TRY_CAST(%s AS %s)", Cast(e, TypeText), castTo(to))
	}
}

// snowflakeClass groups types that are written in one way.
func snowflakeClass(native string) string {
	base := strings.ToLower(strings.TrimSpace(typeModifier.ReplaceAllString(native, "")))
	switch base {
	case "varchar", "text", "string", "char", "character":
		return "text"
	case "float", "double", "double precision", "real":
		return "float"
	case "binary", "varbinary":
		return "bytes"
	default:
		return base
	}
}
