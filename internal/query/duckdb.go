package query

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// DuckDB is DuckDB, version 1.0 and newer.
var DuckDB = Dialect{Name: "duckdb", Quote: `"`, g: grammarWith(func(g *grammar) {
	g.types[kindFloat] = "DOUBLE"
	g.length = "strlen" // in bytes; octet_length is for blobs
	g.bytes = func(p *printer, raw string) { p.call("from_hex", Text(fmt.Sprintf("%x", raw))) }
	g.canonical = duckdbCanonical
	g.key = duckdbKey
	g.object = duckdbObject
})}

// duckdbCanonical: a list of texts as text would not say where each begins and ends, JSON does.
func duckdbCanonical(p *printer, e Expr, t value.Type, native string) {
	switch {
	case t == value.TypeObject && native != "JSON":
		p.expr(Cast(Expr{n: call{name: "to_json", args: []Expr{e}}}, TypeText), levelAtom)
	case t == value.TypeTimestamp:
		p.expr(Cast(Cast(e, Native("TIMESTAMP")), TypeText), levelAtom)
	default:
		p.cast("CAST", e, TypeText)
	}
}

func duckdbKey(p *printer, e Expr, t value.Type, native string) {
	if t != value.TypeTimestamp {
		duckdbCanonical(p, e, t, native)
		return
	}
	micros := Expr{n: call{name: "strftime", args: []Expr{Cast(e, Native("TIMESTAMP")), Text("%Y-%m-%dT%H:%M:%S.%fZ")}}}
	p.call("regexp_replace", micros, Text("000Z$"), Text("Z"))
}

// duckdbObject writes the text of the object: json_object would make floating-point numbers of decimals.
func duckdbObject(p *printer, members []Member) {
	parts := []Expr{Text("{")}
	for i, m := range members {
		before := ""
		if i > 0 {
			before = ","
		}
		name := value.AppendJSONString([]byte(before), m.Name)
		parts = append(parts, Text(string(name)+":"), Coalesce(Cast(duckdbMember(m), TypeText), Text("null")))
	}
	p.cast("CAST", Concat(append(parts, Text("}"))...), TypeJSON)
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
