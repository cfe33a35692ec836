package query

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/internal/value"
)

// Expr is an expression. The zero Expr is no expression: a condition that always holds.
type Expr struct {
	n    node
	name string // in a select list
}

// node is what an Expr is made of.
type node interface {
	print(p *printer)
	level() int // how strongly it binds
}

// How strongly expressions bind, the weakest first.
const (
	levelOr = iota
	levelAnd
	levelNot
	levelCompare
	levelConcat
	levelAdd
	levelMultiply
	levelAtom
)

// IsZero reports whether there is no expression.
func (e Expr) IsZero() bool { return e.n == nil }

// As names the expression in a select list.
func (e Expr) As(name string) Expr {
	e.name = name
	return e
}

type column struct{ table, name string }

// Col is a column by its name alone.
func Col(name string) Expr { return Expr{n: column{name: name}, name: name} }

func (c column) level() int { return levelAtom }

func (c column) print(p *printer) {
	if c.table != "" {
		p.ident(c.table)
		p.text(".")
	}
	p.ident(c.name)
}

// literal is a constant.
type literal struct {
	v value.Value
	t Type // of a null
}

func (l literal) level() int { return levelAtom }

// Text is a text.
func Text(s string) Expr { return Expr{n: literal{v: value.OfText(s)}} }

// Int is a whole number.
func Int(i int64) Expr { return Expr{n: literal{v: value.OfInt(i)}} }

// Bool is true or false. It is a condition or a value, whatever stands for one in the dialect.
func Bool(b bool) Expr { return Expr{n: literal{v: value.OfBool(b)}} }

// Null is the absence of a value of a type.
func Null(t Type) Expr { return Expr{n: literal{t: t}} }

// Value is a constant from a value that travelled: a number keeps its digits, an instant its microseconds,
// bytes are bytes, and an object is its JSON.
func Value(v value.Value) Expr { return Expr{n: literal{v: v}} }

// Time is an instant.
func Time(t time.Time) Expr { return Expr{n: literal{v: value.OfTime(t)}} }

// binary is two expressions with an operator between them.
type binary struct {
	op   string
	at   int
	a, b Expr
}

func (b binary) level() int { return b.at }

func (b binary) condition() bool { return true }

func (b binary) print(p *printer) {
	p.expr(b.a, b.at+1)
	p.text(" " + b.op + " ")
	p.expr(b.b, b.at+1)
}

func compare(op string, a, b Expr) Expr { return Expr{n: binary{op, levelCompare, a, b}} }

// Eq holds where both are equal and neither is null.
func (e Expr) Eq(o Expr) Expr { return compare("=", e, o) }

// Ne holds where both differ and neither is null.
func (e Expr) Ne(o Expr) Expr { return compare("<>", e, o) }

// Lt is less than.
func (e Expr) Lt(o Expr) Expr { return compare("<", e, o) }

// Le is less than or equal.
func (e Expr) Le(o Expr) Expr { return compare("<=", e, o) }

// Gt is greater than.
func (e Expr) Gt(o Expr) Expr { return compare(">", e, o) }

// Ge is greater than or equal.
func (e Expr) Ge(o Expr) Expr { return compare(">=", e, o) }

// Add is the sum.
func (e Expr) Add(o Expr) Expr { return Expr{n: sum{"+", e, o}} }

// Sub is the difference.
func (e Expr) Sub(o Expr) Expr { return Expr{n: sum{"-", e, o}} }

type sum struct {
	op   string
	a, b Expr
}

func (s sum) level() int { return levelAdd }

func (s sum) print(p *printer) {
	p.expr(s.a, levelAdd)
	p.text(" " + s.op + " ")
	p.expr(s.b, levelAdd+1)
}

// distinct compares two expressions for which null is a value like any other.
type distinct struct{ a, b Expr }

func (d distinct) level() int { return levelCompare }

func (d distinct) condition() bool { return true }

func (d distinct) print(p *printer) { p.spell(p.d.g.distinct, d.a, d.b) }

// Distinct holds where the two differ, null being a value like any other.
func (e Expr) Distinct(o Expr) Expr { return Expr{n: distinct{e, o}} }

// suffix is an expression with words behind it.
type suffix struct {
	a     Expr
	words string
}

func (s suffix) level() int { return levelCompare }

func (s suffix) condition() bool { return true }

func (s suffix) print(p *printer) {
	p.expr(s.a, levelCompare+1)
	p.text(" " + s.words)
}

// IsNull holds where there is no value.
func (e Expr) IsNull() Expr { return Expr{n: suffix{e, "IS NULL"}} }

// NotNull holds where there is a value.
func (e Expr) NotNull() Expr { return Expr{n: suffix{e, "IS NOT NULL"}} }

type among struct {
	a     Expr
	items []Expr
	query Query
}

func (in among) level() int { return levelCompare }

func (in among) condition() bool { return true }

func (in among) print(p *printer) {
	p.expr(in.a, levelCompare+1)
	p.text(" IN (")
	if in.query != nil {
		p.query(in.query)
	} else {
		p.list(in.items)
	}
	p.text(")")
}

// In holds where the expression equals one of the items; of none, it holds nowhere.
func (e Expr) In(items ...Expr) Expr {
	if len(items) == 0 {
		return Int(0).Eq(Int(1))
	}
	return Expr{n: among{a: e, items: items}}
}

// InQuery holds where the expression equals a value of the query's one column.
func (e Expr) InQuery(q Query) Expr { return Expr{n: among{a: e, query: q}} }

type junction struct {
	op  string
	at  int
	all []Expr
}

func (j junction) level() int { return j.at }

func (j junction) condition() bool { return true }

func (j junction) print(p *printer) {
	for i, e := range j.all {
		if i > 0 {
			p.text(" " + j.op + " ")
		}
		p.condition(e, j.at+1)
	}
}

func join(op string, at int, all []Expr) Expr {
	all = slices.DeleteFunc(slices.Clone(all), Expr.IsZero)
	switch len(all) {
	case 0:
		return Expr{}
	case 1:
		return all[0]
	default:
		return Expr{n: junction{op: op, at: at, all: all}}
	}
}

// And holds where all of the conditions hold; those that are no expression are left out.
func And(all ...Expr) Expr { return join("AND", levelAnd, all) }

// Or holds where one of the conditions holds; those that are no expression are left out.
func Or(all ...Expr) Expr { return join("OR", levelOr, all) }

type negation struct{ a Expr }

func (n negation) level() int { return levelNot }

func (n negation) condition() bool { return true }

func (n negation) print(p *printer) {
	p.text("NOT ")
	p.condition(n.a, levelNot+1)
}

// Not holds where the condition does not.
func Not(e Expr) Expr { return Expr{n: negation{e}} }

type exists struct {
	not   bool
	query Query
}

// partner is an EXISTS that says whether a relation has a row for which a condition holds.
type partner struct {
	exists

	with Relation
	on   Expr
}

func (e exists) level() int { return levelNot }

func (e exists) condition() bool { return true }

func (e exists) print(p *printer) {
	if e.not {
		p.text("NOT ")
	}
	p.text("EXISTS (")
	p.query(e.query)
	p.text(")")
}

// Exists holds where the query has a row.
func Exists(q Query) Expr { return Expr{n: exists{query: q}} }

// NotExists holds where the query has no row.
func NotExists(q Query) Expr { return Expr{n: exists{not: true, query: q}} }

// CaseExpr is a choice under construction: When, then Else or End.
type CaseExpr struct{ branches [][2]Expr }

// Case begins a choice; the first condition that holds decides.
func Case() CaseExpr { return CaseExpr{} }

// When adds a branch.
func (c CaseExpr) When(condition, then Expr) CaseExpr {
	return CaseExpr{append(slices.Clip(c.branches), [2]Expr{condition, then})}
}

// Else ends the choice with what it is where no condition holds.
func (c CaseExpr) Else(e Expr) Expr { return Expr{n: choice{c.branches, e}} }

// End ends the choice: it is null where no condition holds.
func (c CaseExpr) End() Expr { return Expr{n: choice{branches: c.branches}} }

type choice struct {
	branches  [][2]Expr
	otherwise Expr
}

func (c choice) level() int { return levelAtom }

func (c choice) print(p *printer) {
	p.text("CASE")
	for _, b := range c.branches {
		p.text(" WHEN ")
		p.condition(b[0], levelOr)
		p.text(" THEN ")
		p.expr(b[1], levelOr)
	}
	if !c.otherwise.IsZero() {
		p.text(" ELSE ")
		p.expr(c.otherwise, levelOr)
	}
	p.text(" END")
}

// call is a function that every dialect has under one name.
type call struct {
	name     string
	distinct bool
	args     []Expr
	star     bool
}

func (c call) level() int { return levelAtom }

func (c call) print(p *printer) {
	p.text(cmp.Or(p.d.g.calls[c.name], c.name) + "(")
	switch {
	case c.star:
		p.text("*")
	case c.distinct:
		p.text("DISTINCT ")
		p.list(c.args)
	default:
		p.list(c.args)
	}
	p.text(")")
}

// Count is the number of rows.
func Count() Expr { return Expr{n: call{name: "count", star: true}} }

// CountOf is the number of rows in which the expression is not null.
func CountOf(e Expr) Expr { return Expr{n: call{name: "count", args: []Expr{e}}} }

// CountDistinct is the number of different values.
func CountDistinct(e Expr) Expr { return Expr{n: call{name: "count", args: []Expr{e}, distinct: true}} }

// Sum adds up a group.
func Sum(e Expr) Expr { return Expr{n: call{name: "sum", args: []Expr{e}}} }

// Min is the smallest of a group.
func Min(e Expr) Expr { return Expr{n: call{name: "min", args: []Expr{e}}} }

// Max is the largest of a group.
func Max(e Expr) Expr { return Expr{n: call{name: "max", args: []Expr{e}}} }

// Coalesce is the first of the expressions that is not null.
func Coalesce(all ...Expr) Expr { return Expr{n: call{name: "coalesce", args: all}} }

// Lower is a text in lower case.
func Lower(e Expr) Expr { return Expr{n: call{name: "lower", args: []Expr{e}}} }

// concat is texts one behind the other.
type concat struct{ all []Expr }

func (c concat) level() int { return levelConcat }

func (c concat) print(p *printer) {
	if p.d.g.joined != "" {
		p.call(p.d.g.joined, c.few()...)
		return
	}
	for i, e := range c.all {
		if i > 0 {
			p.text(" || ")
		}
		p.expr(e, levelConcat)
	}
}

// few are the texts, in groups where they are more than a function takes: SQL Server's takes 254.
func (c concat) few() []Expr {
	const most = 200
	if len(c.all) <= most {
		return c.all
	}
	var groups []Expr
	for group := range slices.Chunk(c.all, most) {
		groups = append(groups, Concat(group...))
	}
	return groups
}

// Concat is texts one behind the other; none of them may be null.
func Concat(all ...Expr) Expr {
	if len(all) == 1 {
		return all[0]
	}
	return Expr{n: concat{all}}
}

type cast struct {
	a   Expr
	to  Type
	try bool
	was string // the native type of a, for a cast that may fail
}

func (c cast) level() int { return levelAtom }

func (c cast) print(p *printer) {
	if c.try {
		p.expr(p.d.g.tryCast(c.a, c.was, c.to, p.d.Type(c.to)), levelAtom)
		return
	}
	a, to := p.apart(func(q *printer) { q.expr(c.a, levelOr) }), p.d.castType(c.to)
	p.text(fmt.Sprintf(string(p.d.g.cast(to)), a, to))
}

// Cast is the expression as another type; a value that does not convert ends the statement.
func Cast(e Expr, to Type) Expr { return Expr{n: cast{a: e, to: to}} }

// TryCast is the expression, whose native type is was, as another type. What does not convert is null; where
// a database cannot try, neither is what might not convert.
func TryCast(e Expr, was string, to Type) Expr {
	return Expr{n: cast{a: e, to: to, try: true, was: was}}
}

// written is a value as text.
type written struct {
	a      Expr
	t      value.Type
	native string
	key    bool
}

func (w written) level() int { return levelAtom }

func (w written) print(p *printer) {
	p.expr(p.d.g.written(w.a, w.t, w.native, w.key), levelAtom)
}

// Canonical is a value as text, the same for values that are the same: what Hash takes. native is the column's
// type in the words of the database.
func Canonical(e Expr, t value.Type, native string) Expr {
	return Expr{n: written{a: e, t: t, native: native}}
}

// Key is a value as text as value.Value.String writes it, where the database can: booleans, whole and decimal
// numbers, texts, dates and instants. native is the column's type in the words of the database.
func Key(e Expr, t value.Type, native string) Expr {
	return Expr{n: written{a: e, t: t, native: native, key: true}}
}

type hash struct{ texts []Expr }

func (h hash) level() int { return levelAtom }

func (h hash) print(p *printer) {
	if len(h.texts) == 0 {
		p.spell(p.d.g.digest, Text(""))
		return
	}
	p.spell(p.d.g.digest, p.d.g.pack(h.texts))
}

// packLengths puts each text's length before it, so that neither nulls nor texts that border on each other can be
// confused.
func packLengths(texts []Expr) Expr {
	return pack(texts, func(t Expr) Expr { return Concat(Cast(Expr{n: size{t}}, TypeText), Text(":"), t) })
}

// packDigests takes each text's digest, for databases whose texts together may be longer than a text can be.
func packDigests(digest form) func(texts []Expr) Expr {
	return func(texts []Expr) Expr {
		return pack(texts, func(t Expr) Expr { return spell(digest, t) })
	}
}

func pack(texts []Expr, part func(t Expr) Expr) Expr {
	parts := make([]Expr, 0, len(texts))
	for _, t := range texts {
		parts = append(parts, Case().When(t.IsNull(), Text("-")).Else(part(t)))
	}
	return Concat(parts...)
}

// Hash is a digest of texts in their order, of which each may be null. It has 32 hexadecimal digits.
func Hash(texts ...Expr) Expr { return Expr{n: hash{texts}} }

type size struct{ a Expr }

func (s size) level() int { return levelAtom }

func (s size) print(p *printer) { p.spell(p.d.g.length, s.a) }
