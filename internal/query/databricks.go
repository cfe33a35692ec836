package query

import (
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
//   - A statement is a transaction; there is none around several (unverified).
var Databricks = Dialect{Name: "databricks", Quote: "`", g: grammarWith(func(g *grammar) {
	g.name = doubled("`")
	g.types = map[kind]string{
		kindText: "STRING", kindInteger: "BIGINT", kindFloat: "DOUBLE", kindBoolean: "BOOLEAN", kindDate: "DATE",
		kindTimestamp: "TIMESTAMP", kindJSON: "STRING", kindBytes: "BINARY",
	}
	g.escape = escaped("'")
	g.float, g.instant, g.json = "CAST('%s' AS DOUBLE)", "CAST(%s AS TIMESTAMP)", "%s"
	g.written = databricksWritten
	g.tryCast = databricksTry
	g.object = textObject(textMember(databricksQuoted, "base64(%s)", "binary"), "%s")
})}

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
