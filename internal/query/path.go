package query

import (
	"strconv"
	"strings"

	"github.com/millrace/millrace/internal/value"
)

// Step is a step of a path in JSON: the name of an object's member, or the place in an array.
type Step struct {
	name  string
	index int
	array bool
}

// At is an element of an array; the first is 0.
func At(index int) Step { return Step{index: index, array: true} }

// In is the member of an object that has a name.
func In(name string) Step { return Step{name: name} }

// ParsePath reads the path that people write: names with dots between them, and numbers for the places in arrays.
func ParsePath(path string) []Step {
	var steps []Step
	for part := range strings.SplitSeq(path, ".") {
		if n, err := strconv.Atoi(part); err == nil && n >= 0 {
			steps = append(steps, At(n))
		} else {
			steps = append(steps, In(part))
		}
	}
	return steps
}

// Document is JSON in a column: a JSON column, a text, or the database's own objects. Native is the column's type in
// the words of the database.
type Document struct {
	Value  Expr
	Native string
}

// Text is the text, number or boolean at a path, as a text; null where there is nothing, or JSON's null. Of an object or an
// array it is JSON or null, as the database likes.
func (d Document) Text(path ...Step) Expr { return Expr{n: dug{d, path, false}} }

// Number is the number at a path, as a float; null where there is none.
func (d Document) Number(path ...Step) Expr { return Expr{n: number{d.Text(path...)}} }

// Boolean is the boolean at a path; null where there is none.
func (d Document) Boolean(path ...Step) Expr {
	text := d.Text(path...)
	return Case().When(text.Eq(Text("true")), Bool(true)).When(text.Eq(Text("false")), Bool(false)).End()
}

// Has holds where there is something at a path, and not JSON's null.
func (d Document) Has(path ...Step) Expr { return Expr{n: dug{d, path, true}}.NotNull() }

// number is the number that a text is, or null.
type number struct{ text Expr }

func (n number) level() int { return levelAtom }

func (n number) print(p *printer) {
	p.expr(TryCast(n.text, strings.ToLower(p.d.Type(TypeText)), TypeFloat), levelAtom)
}

// dug is what stands at a path in JSON.
type dug struct {
	doc  Document
	path []Step
	any  bool // an object or an array too
}

func (j dug) level() int { return levelAtom }

func (j dug) print(p *printer) {
	p.mustHave(ConstructJSON)
	p.expr(p.d.g.dig(j.doc, j.path, j.any), levelAtom)
}

// digPath is for databases that take a path as a text. Its parts are the document and the path: form is of a plain
// value, whole of an object or an array.
func digPath(write func([]Step) string, plain, whole form) func(d Document, path []Step, all bool) Expr {
	return func(d Document, path []Step, all bool) Expr {
		at := Text(write(path))
		if !all || whole == "" {
			return spell(plain, d.Value, at)
		}
		return Coalesce(spell(plain, d.Value, at), spell(whole, d.Value, at))
	}
}

// dollarPath is a path of SQL/JSON: $."name"[0].
func dollarPath(path []Step) string {
	b := strings.Builder{}
	b.WriteString("$")
	for _, s := range path {
		if s.array {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		} else {
			b.WriteString("." + string(value.AppendJSONString(nil, s.name)))
		}
	}
	return b.String()
}

// bracketPath is a path whose names stand in brackets: $["name"][0].
func bracketPath(quote string) func(path []Step) string {
	return func(path []Step) string {
		b := strings.Builder{}
		b.WriteString("$")
		for _, s := range path {
			if s.array {
				b.WriteString("[" + strconv.Itoa(s.index) + "]")
				continue
			}
			if strings.Contains(s.name, quote) {
				panic(lacking{"the dialect", ConstructJSON, "a name with the character " + quote + " cannot be in one"})
			}
			b.WriteString("[" + quote + s.name + quote + "]")
		}
		return b.String()
	}
}

// digSteps goes into a document step by step.
func digSteps(name, index form, begin, end func(Expr) Expr) func(d Document, path []Step, all bool) Expr {
	return func(d Document, path []Step, _ bool) Expr {
		e := begin(d.Value)
		for _, s := range path {
			if s.array {
				e = spell(index, e, Int(int64(s.index)))
			} else {
				e = spell(name, e, Text(s.name))
			}
		}
		return end(e)
	}
}

// digText is JSON of a document for databases whose functions take texts: what is no text and no JSON is written as it.
func digText(natives func(native string) bool, dig func(d Document, path []Step, all bool) Expr) func(d Document, path []Step, all bool) Expr {
	return func(d Document, path []Step, all bool) Expr {
		if natives(d.Native) {
			d.Value = Canonical(d.Value, value.TypeObject, d.Native)
		}
		return dig(d, path, all)
	}
}

func itself(e Expr) Expr { return e }
