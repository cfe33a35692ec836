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
//   - The source sets TIMEZONE to UTC, in which instants without a time zone are read.
var Snowflake = Dialect{Name: "snowflake", Quote: `"`, g: snowflakeGrammar()}

func snowflakeGrammar() *grammar {
	return grammarWith(func(g *grammar) {
		g.types = map[kind]string{
			kindText: "VARCHAR", kindInteger: "BIGINT", kindFloat: "FLOAT", kindBoolean: "BOOLEAN", kindDate: "DATE",
			kindTimestamp: "TIMESTAMP_TZ(9)", kindJSON: "VARIANT", kindBytes: "BINARY",
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
	})
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
