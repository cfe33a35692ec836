package query

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// ArrayKind is how a column holds an array of plain values.
type ArrayKind uint8

// The kinds (SY-91).
const (
	NoArray     ArrayKind = iota
	NativeArray           // the database's own: text[], VARCHAR[]
	JSONArray             // a JSON column, each of whose values may be an array
	TextArray             // a text, each of which may be a JSON array
)

// ArrayOf tells from a column's type, and from its name in the words of the database, how it may hold an array whose
// elements are plain values. Whether JSON and text do is known row by row only.
func ArrayOf(t value.Type, native string) ArrayKind {
	name := strings.ToLower(strings.TrimSpace(native))
	if open := strings.LastIndexByte(name, '['); open > 0 && strings.HasSuffix(name, "]") {
		if plainElement(name[:open]) {
			return NativeArray
		}
		return NoArray
	}
	if inner, found := arrayOf(name); found {
		if plainElement(inner) {
			return NativeArray
		}
		return NoArray
	}
	switch {
	case name == "json" || name == "jsonb" || name == "variant" || name == "array": // Snowflake's arrays hold anything
		return JSONArray
	case t == value.TypeString && isText(name):
		return TextArray
	default:
		return NoArray
	}
}

// arrayOf is the type of the elements of ARRAY<…> or ARRAY(…).
func arrayOf(name string) (string, bool) {
	inner, found := strings.CutPrefix(name, "array")
	if inner = strings.TrimSpace(inner); !found || len(inner) < 2 {
		return "", false
	}
	if open, end := inner[0], inner[len(inner)-1]; open != '<' && open != '(' || end != '>' && end != ')' {
		return "", false
	}
	return strings.TrimSpace(inner[1 : len(inner)-1]), true
}

// plainElement refuses arrays of arrays, of objects and of JSON.
func plainElement(native string) bool {
	return !strings.HasSuffix(native, "]") && !strings.HasSuffix(native, "json") && !strings.HasSuffix(native, "jsonb") &&
		!slices.ContainsFunc([]string{"struct", "map", "union", "array", "row", "variant", "object", "tuple"}, func(nested string) bool { return strings.HasPrefix(native, nested) })
}

func isText(native string) bool {
	base, _, _ := strings.Cut(native, "(")
	switch strings.TrimSpace(base) {
	case "", "text", "varchar", "nvarchar", "character varying", "character", "char", "bpchar", "string", "utf8", "large_utf8", "name":
		return true
	default:
		return false
	}
}

// The columns of a relation of elements.
const (
	Element    = "element"    // the element, in the array's own type; text of JSON
	Occurrence = "occurrence" // 1 where its array has it for the first time, more where it had it before
)

// NotAnArray is the Occurrence of the one row, without an element, that stands for JSON or a text that is no array of
// plain values.
const NotAnArray = 0

// Elements are the elements of an array, a row each; Select.Each joins them to the row that has the array. An array
// that is empty or null has none, and neither has JSON's null nor a text that is blank. An element that is null has
// the Occurrence 1.
func Elements(array Expr, kind ArrayKind) Relation { return Relation{array: array, kind: kind} }

// Each joins the elements of an array, which every row of the relations before it has for itself. A row without
// elements yields nothing.
func (s Select) Each(elements Relation) Select { return s.join("CROSS JOIN LATERAL", elements, Expr{}) }

// Expansion says how a statement's rows become one for each element of an array (SY-89).
type Expansion struct {
	Column     string    // has the array
	Kind       ArrayKind // of the column
	Key        string    // a row whose key is null has no elements: it is not to be synced
	Element    string    // names the column of the element; null where there is none
	Occurrence string    // names the column of Elements' Occurrence; empty leaves out what is no first one
}

// Expand returns the statement whose rows are those of sql, its columns of these names, once for each element.
func (d Dialect) Expand(sql string, columns []string, x Expansion) string {
	m, e := Statement(sql).As(modelAlias), Elements(Relation{alias: modelAlias}.Col(x.Column), x.Kind).As("_millrace_elements")
	element := Case().When(m.Col(x.Key).NotNull(), e.Col(Element)).End()
	q := From(m).Each(e).Select(m.Cols(columns...)...).Select(element.As(x.Element))
	if x.Occurrence == "" {
		return d.SQL(q.Where(e.Col(Occurrence).Eq(Int(1))))
	}
	return d.SQL(q.Select(e.Col(Occurrence).As(x.Occurrence)))
}

// occurrences numbers what an array has more than once; elements are read from u, whose columns are v and n.
func occurrences(text func(v Expr) Expr) []Expr {
	u := Relation{alias: "u"}
	number := Case().When(u.Col("v").IsNull(), Int(1)).Else(RowNumber().Over(Partition(text(u.Col("v"))).OrderBy(Asc(u.Col("n")))))
	return []Expr{u.Col("v").As(Element), number.As(Occurrence)}
}

// elementColumn is a column of a relation of elements.
type elementColumn struct{ table, name string }

func (c elementColumn) level() int { return levelAtom }

func (c elementColumn) print(p *printer) {
	if f, own := p.d.g.elementColumn[c.name]; own {
		p.text(fmt.Sprintf(string(f), p.d.Ident(c.table)))
		return
	}
	column(c).print(p)
}

// inParentheses is a subquery that sees the relations before it.
func inParentheses(write func(p *printer, array Expr, kind ArrayKind)) func(p *printer, array Expr, kind ArrayKind) {
	return func(p *printer, array Expr, kind ArrayKind) {
		p.text("(")
		write(p, array, kind)
		p.text(")")
	}
}

// postgresElements: the server cannot say in version 15 whether a text is JSON, so that a pattern does.
func postgresElements(p *printer, array Expr, kind ArrayKind) {
	if kind == NativeArray {
		p.text("SELECT ")
		p.named(occurrences(func(v Expr) Expr { return Cast(v, TypeText) }))
		p.text(" FROM ")
		p.call("unnest", array)
		p.text(` WITH ORDINALITY AS "u"("v", "n")`)
		return
	}
	text := Cast(array, TypeText)
	safe := Case().When(matches(text, "^"+jsonArray+"$"), text).Else(Text("[]"))
	p.text("SELECT ")
	p.named(occurrences(func(v Expr) Expr { return v }))
	p.text(" FROM ")
	p.call("jsonb_array_elements_text", Cast(safe, TypeJSON))
	p.text(` WITH ORDINALITY AS "u"("v", "n") UNION ALL SELECT `)
	p.list([]Expr{Null(TypeText), Int(NotAnArray)})
	p.clause("WHERE", compare("!~", text, Text("^("+jsonArray+"|"+blank+"(null)?"+blank+")$")))
}

// The pattern of a JSON array of plain values that the server's jsonb takes: it knows no NUL, and surrogates in pairs
// only.
const (
	blank       = `[ \t\n\r]*`
	jsonEscape  = `\\(?:["\\/bfnrt]|u(?!0000)(?![dD][89a-fA-F])[0-9a-fA-F]{4}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})`
	jsonText    = `"(?:[^"\\\u0001-\u001f]|` + jsonEscape + `)*"`
	jsonNumber  = `-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?`
	jsonElement = blank + `(?:` + jsonText + `|` + jsonNumber + `|true|false|null)` + blank
	jsonArray   = blank + `\[(?:` + blank + `|` + jsonElement + `(?:,` + jsonElement + `)*)\]` + blank
)

func duckdbElements(p *printer, array Expr, kind ArrayKind) {
	list := array
	if kind != NativeArray {
		list = Expr{n: call{name: "json_extract_string", args: []Expr{duckdbPlain(array), Text("$[*]")}}}
	}
	p.text("SELECT ")
	p.named(occurrences(func(v Expr) Expr { return v }))
	p.text(" FROM (SELECT ")
	p.named([]Expr{function("unnest", list).As("v"), function("generate_subscripts", list, Int(1)).As("n")})
	p.text(`) AS "u"`)
	if kind == NativeArray {
		return
	}
	text := Cast(array, TypeText)
	nothing := Or(function("trim", text, Text(" \t\n\r")).In(Text(""), Text("null")), duckdbPlain(array).NotNull())
	p.text(" UNION ALL SELECT ")
	p.list([]Expr{Null(TypeText), Int(NotAnArray)})
	p.clause("WHERE", And(array.NotNull(), Not(nothing)))
}

// duckdbPlain is the text of a JSON array whose elements are plain values, and otherwise null.
func duckdbPlain(array Expr) Expr {
	text := Cast(array, TypeText)
	valid := Case().When(function("json_valid", text), text).Else(Text("null"))
	nested := function("list_has_any", function("json_type", valid, Text("$[*]")), function("list_value", Text("ARRAY"), Text("OBJECT")))
	return Case().When(And(function("json_type", valid).Eq(Text("ARRAY")), Not(nested)), text).End()
}
