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
//   - The source sets the session's time zone to UTC.
var (
	Trino  = Dialect{Name: "trino", Quote: `"`, g: trinoGrammar("TIMESTAMP(6) WITH TIME ZONE", "2006-01-02 15:04:05.000000 UTC")}
	Presto = Dialect{Name: "presto", Quote: `"`, g: trinoGrammar("TIMESTAMP WITH TIME ZONE", "2006-01-02 15:04:05.000 UTC")}
)

func trinoGrammar(instant, layout string) *grammar {
	return grammarWith(func(g *grammar) {
		g.types = map[kind]string{
			kindText: "VARCHAR", kindInteger: "BIGINT", kindFloat: "DOUBLE", kindBoolean: "BOOLEAN", kindDate: "DATE",
			kindTimestamp: instant, kindJSON: "JSON", kindBytes: "VARBINARY",
		}
		g.float = "CAST('%s' AS DOUBLE)"
		g.instant, g.layout = "TIMESTAMP %s", layout
		g.json = "JSON_PARSE(%s)"
		g.digest, g.length = "lower(to_hex(md5(to_utf8(%s))))", "length(%s)"
		g.written = trinoWritten
		g.tryCast = trinoTry
		g.object = trinoObject("JSON_PARSE(%s)")
	})
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
