package query

import (
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// DuckDB is DuckDB, version 1.0 and newer.
var DuckDB = Dialect{Name: "duckdb", Quote: `"`, g: grammarWith(func(g *grammar) {
	g.types[kindFloat] = "DOUBLE"
	g.float = "CAST('%s' AS DOUBLE)"
	g.length = "strlen(%s)" // in bytes; octet_length is for blobs
	g.bytes = "from_hex('%s')"
	g.written = duckdbWritten
	g.object = textObject(func(m Member) Expr { return Cast(duckdbMember(m), TypeText) }, "CAST(%s AS JSON)") // json_object would make floating-point numbers of decimals
	g.elements = inParentheses(duckdbElements)
	g.mod, g.matches = "(%s %% %s)", "regexp_matches(%s, %s)"
	g.bits = "CAST(concat('0x', left(md5(%s), 8)) AS BIGINT)"
	g.stringAgg = stringAggAs(stringAggInside)
	g.sample = " TABLESAMPLE BERNOULLI (%s PERCENT)"
	g.clock = duckdbClock()
	g.dig = digPath(dollarPath, "json_extract_string(%s, %s)", "")
	g.list, g.listLength, g.listContains = listAs("list_value(", ")"), "len(%s)", "list_contains(%s, %s)"
})}

func duckdbClock() clock {
	c := standardClock()
	c.now = "now()"
	c.seconds, c.days, c.months = "(%[1]s + to_seconds(%[2]d))", "(%[1]s + to_days(%[2]d))", "(%[1]s + to_months(%[2]d))"
	c.micros = "(epoch_us(%[2]s) - epoch_us(%[1]s))"
	c.trunc = "CAST(date_trunc('%[2]s', %[1]s) AS TIMESTAMP)"
	return c
}

// duckdbWritten: a list of texts as text would not say where each begins and ends, JSON does.
func duckdbWritten(e Expr, t value.Type, native string, key bool) Expr {
	switch {
	case t == value.TypeObject && native != "JSON":
		return Cast(function("to_json", e), TypeText)
	case t == value.TypeTimestamp && key:
		micros := function("strftime", Cast(e, Native("TIMESTAMP")), Text("%Y-%m-%dT%H:%M:%S.%fZ"))
		return function("regexp_replace", micros, Text("000Z$"), Text("Z"))
	case t == value.TypeTimestamp:
		return Cast(Cast(e, Native("TIMESTAMP")), TypeText)
	default:
		return Cast(e, TypeText)
	}
}

func duckdbMember(m Member) Expr {
	text := Cast(m.Value, TypeText)
	switch wide := strings.HasPrefix(m.Native, "DECIMAL") || strings.HasSuffix(m.Native, "HUGEINT"); {
	case m.Type == value.TypeNumber && wide:
		return text
	case m.Native == "DOUBLE" || m.Native == "FLOAT":
		return finite(m.Value, function("to_json", m.Value))
	case m.Native == "BLOB":
		return function("to_json", function("base64", m.Value))
	case m.Type == value.TypeTimestamp:
		return function("to_json", Key(m.Value, m.Type, m.Native))
	case m.Type == value.TypeString || m.Type == value.TypeDate:
		return function("to_json", text)
	default:
		return function("to_json", m.Value)
	}
}
