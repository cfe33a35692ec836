package query

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// Member is a member of an object: a value with its type, and the type's name in the words of the database.
type Member struct {
	Name   string
	Value  Expr
	Type   value.Type
	Native string
}

type object struct{ members []Member }

func (o object) level() int { return levelAtom }

func (o object) print(p *printer) { p.expr(p.d.g.object(o.members), levelAtom) }

// textObject is an object whose text is put together of its members' JSON, in texts or null; whole is what makes JSON
// of it.
func textObject(member func(m Member) Expr, whole form) func(members []Member) Expr {
	return func(members []Member) Expr {
		parts := []Expr{Text("{")}
		for i, m := range members {
			before := ""
			if i > 0 {
				before = ","
			}
			name := value.AppendJSONString([]byte(before), m.Name)
			parts = append(parts, Text(string(name)+":"), Coalesce(member(m), Text("null")))
		}
		return spell(whole, Concat(append(parts, Text("}"))...))
	}
}

// textMember is a member's JSON, where quoted makes JSON of a text; bytes are what encoded makes of them where their
// type is one of binary.
func textMember(quoted, encoded form, binary ...string) func(m Member) Expr {
	return func(m Member) Expr {
		base, _, _ := strings.Cut(strings.ToLower(m.Native), "(")
		switch {
		case m.Type == value.TypeNumber:
			return finite(m.Value, Key(m.Value, m.Type, m.Native))
		case m.Type == value.TypeBoolean:
			return Key(m.Value, m.Type, m.Native)
		case m.Type == value.TypeObject:
			return Canonical(m.Value, m.Type, m.Native)
		case slices.Contains(binary, strings.TrimSpace(base)):
			return spell(quoted, spell(encoded, m.Value))
		default:
			return spell(quoted, Key(m.Value, m.Type, m.Native))
		}
	}
}

// Object is a JSON object with the members as value.Value.AppendJSON writes them, as far as the database can: numbers
// keep their digits, those that are none are null, instants and dates are ISO 8601, bytes are base64. The order of the
// members is the database's own.
func Object(members ...Member) Expr { return Expr{n: object{members}} }

// finite is a number, or null where it is none: JSON has no form for it.
func finite(e, number Expr) Expr {
	return Case().When(Not(Cast(e, TypeText).In(Text("NaN"), Text("Infinity"), Text("-Infinity"), Text("nan"), Text("inf"), Text("-inf"))), number).End()
}

// Bytes is the length of a text in bytes.
func Bytes(text Expr) Expr { return Expr{n: size{text}} }

// Longest is how many bytes a text in a column of the database can have; 0 is any number.
func (d Dialect) Longest() int { return d.g.longest }

// Limited is the dialect of a database whose texts cannot be longer than so many bytes.
func (d Dialect) Limited(longest int) Dialect {
	g := *d.g
	g.longest = longest
	d.g = &g
	return d
}
