package query

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// Postgres is PostgreSQL, version 15 and newer.
var Postgres = Dialect{Name: "postgres", Quote: `"`, g: postgresGrammar()}

func postgresGrammar() *grammar {
	return grammarWith(func(g *grammar) {
		g.types = map[kind]string{
			kindText: "text", kindInteger: "bigint", kindFloat: "double precision", kindBoolean: "boolean", kindDate: "date",
			kindTimestamp: "timestamp with time zone", kindJSON: "jsonb", kindBytes: "bytea", kindLocal: "timestamp",
		}
		g.decimal = decimalAs("numeric(%d, %d)")
		g.float, g.day, g.instant = "CAST('%s' AS double precision)", "CAST(%s AS date)", "CAST(%s AS timestamp with time zone)"
		g.bytes, g.json = `CAST('\x%s' AS bytea)`, "CAST(%s AS jsonb)"
		g.pack = func(texts []Expr) Expr { return Cast(function("ROW", texts...), TypeText) } // quoted as arrays are, and several times faster
		g.written = postgresWritten
		g.object = postgresObject
		g.tryCast = postgresTry
		g.elements = inParentheses(postgresElements)
		g.mod, g.matches = "(%s %% %s)", "%s ~ %s"
		g.bits = "CAST(CAST(('x' || left(md5(%s), 8)) AS bit(32)) AS bigint)"
		g.anyValue, g.approxDistinct = "(array_agg(%[1]s) FILTER (WHERE %[1]s IS NOT NULL))[1]", "count(DISTINCT %s)"
		g.stringAgg = stringAggAs(stringAggInside)
		g.clock = postgresClock()
		g.dig = func(d Document, path []Step, _ bool) Expr {
			steps := make([]Expr, len(path))
			for i, s := range path {
				if steps[i] = Text(s.name); s.array {
					steps[i] = Text(strconv.Itoa(s.index))
				}
			}
			return spell("(%s #>> CAST(%s AS text[]))", Cast(d.Value, TypeJSON), Expr{n: enclosed{"ARRAY[", steps, "]"}})
		}
		g.list, g.listLength, g.listContains = listAs("ARRAY[", "]"), "cardinality(%s)", "%[2]s = ANY(%[1]s)"
		g.merge = true
	})
}

func postgresClock() clock {
	c := standardClock()
	c.now = "now()"
	c.seconds, c.days, c.months = "(%[1]s + %[2]d * INTERVAL '1 second')", "(%[1]s + %[2]d * INTERVAL '1 day')", "(%[1]s + %[2]d * INTERVAL '1 month')"
	c.micros = "CAST(EXTRACT(EPOCH FROM (%[2]s - %[1]s)) * 1000000 AS bigint)"
	return c
}

// postgresWritten: two texts of one JSON value are one value, and money is a number, whatever the server's locale.
// jsonb knows no NUL character, which json may have.
func postgresWritten(e Expr, t value.Type, native string, key bool) Expr {
	text := Cast(e, TypeText)
	switch {
	case native == "json":
		hasNUL := function("strpos", text, Text(`\u0000`)).Gt(Int(0))
		return Case().When(hasNUL, text).Else(Cast(Cast(e, TypeJSON), TypeText))
	case t == value.TypeObject && native != "jsonb":
		return Cast(function("to_jsonb", e), TypeText)
	case t == value.TypeTimestamp && key:
		return postgresInstant(Cast(e, Native("timestamp")))
	case t == value.TypeTimestamp:
		return Cast(Cast(e, Native("timestamp")), TypeText)
	case native == "money":
		return Cast(Cast(e, Native("numeric")), TypeText)
	default:
		return text
	}
}

// postgresInstant writes instants of the years that have four digits in ISO 8601.
func postgresInstant(at Expr) Expr {
	usual := And(at.Ge(Cast(Text("0001-01-01"), Native("timestamp"))), at.Lt(Cast(Text("10000-01-01"), Native("timestamp"))))
	micros := function("to_char", at, Text(`YYYY-MM-DD"T"HH24:MI:SS.US"Z"`))
	return Case().When(usual, function("regexp_replace", micros, Text("000Z$"), Text("Z"))).Else(Cast(at, TypeText))
}

// postgresTry: the server has no cast that tries, so that only what surely converts is cast.
func postgresTry(e Expr, was string, to Type, name string) Expr {
	from, into := postgresClass(was), postgresClass(name)
	text := Cast(e, TypeText)
	switch {
	case was == name, into == "text", from == into && into == "time":
		return Cast(e, to)
	case into == "json":
		return Cast(function("to_jsonb", e), to)
	case into == "number" && (from == "number" || from == "text"):
		return Case().When(matches(text, `^-?[0-9]{1,255}([.][0-9]+)?$`), postgresFit(Cast(text, Native("numeric")), to, name)).End()
	case into == "boolean":
		return Case().When(Lower(text).In(Text("true"), Text("t"), Text("1")), Bool(true)).
			When(Lower(text).In(Text("false"), Text("f"), Text("0")), Bool(false)).End()
	case into == "uuid" && from == "text":
		return Case().When(matches(text, "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"), Cast(text, to)).End()
	default:
		return Null(to)
	}
}

func matches(e Expr, pattern string) Expr { return compare("~", e, Text(pattern)) }

// postgresClass groups types that convert into each other.
func postgresClass(native string) string {
	base := strings.TrimSpace(typeModifier.ReplaceAllString(native, ""))
	switch base {
	case "text", "varchar", "character varying", "character", "name":
		return "text"
	case "smallint", "integer", "bigint", "numeric", "real", "double precision":
		return "number"
	case "date", "timestamp without time zone", "timestamp with time zone", "timestamp":
		return "time"
	case "json", "jsonb":
		return "json"
	default:
		return base
	}
}

var typeModifier = regexp.MustCompile(`\([^)]*\)`)

// postgresFit casts a number where the type can hold it.
func postgresFit(number Expr, to Type, name string) Expr {
	var low, high string
	scale := 0
	switch {
	case name == "smallint":
		low, high = "-32768", "32767"
	case name == "integer":
		low, high = "-2147483648", "2147483647"
	case name == "bigint":
		low, high = "-9223372036854775808", "9223372036854775807"
	case name == "real":
		low, high = "-3e38", "3e38"
	case strings.HasPrefix(name, "numeric("):
		precision, after, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(name, "numeric("), ")"), ",")
		whole, err := strconv.Atoi(strings.TrimSpace(precision))
		if scale, _ = strconv.Atoi(strings.TrimSpace(after)); err != nil { //nolint:errcheck // no scale is none
			return Null(to)
		}
		high = strings.Repeat("9", max(whole-scale, 0)) + "." + strings.Repeat("9", max(scale, 0))
		low = "-" + high
	default:
		return Cast(number, to)
	}
	rounded := function("round", number, Int(int64(scale)))
	fits := And(rounded.Ge(Value(value.OfDecimal(low))), rounded.Le(Value(value.OfDecimal(high))))
	return Case().When(fits, Cast(number, to)).End()
}

// postgresMembers is how many members one call can make: https://www.postgresql.org/docs/current/limits.html has 100
// arguments.
const postgresMembers = 50

func postgresObject(members []Member) Expr {
	var parts []Expr
	for chunk := range slices.Chunk(members, postgresMembers) {
		var args []Expr
		for _, m := range chunk {
			args = append(args, Text(m.Name), postgresMember(m))
		}
		parts = append(parts, function("jsonb_build_object", args...))
	}
	if len(parts) == 0 {
		parts = append(parts, function("jsonb_build_object"))
	}
	return spell("(%s)", Concat(parts...))
}

// postgresMember replaces the NUL character, which json can have and jsonb cannot.
func postgresMember(m Member) Expr {
	text := Cast(m.Value, TypeText)
	switch {
	case m.Native == "json":
		return Cast(function("replace", text, Text(`\u0000`), Text(`\ufffd`)), TypeJSON)
	case m.Native == "money":
		return function("to_jsonb", Cast(m.Value, Native("numeric")))
	case m.Type == value.TypeNumber:
		return finite(m.Value, function("to_jsonb", m.Value))
	case m.Native == "bytea":
		return function("to_jsonb", function("translate", function("encode", m.Value, Text("base64")), Text("\n"), Text("")))
	case m.Type == value.TypeTimestamp:
		return function("to_jsonb", Key(m.Value, m.Type, m.Native))
	case m.Type == value.TypeString || m.Type == value.TypeDate:
		return function("to_jsonb", text)
	default:
		return function("to_jsonb", m.Value)
	}
}
