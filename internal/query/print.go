package query

import (
	"fmt"
	"strings"
)

// printer writes SQL in one dialect.
type printer struct {
	strings.Builder

	d       Dialect
	hoisted *[]string // definitions of common table expressions that belong to the statement's beginning
}

// apart returns what a part of the statement is written as.
func (p *printer) apart(write func(q *printer)) string {
	q := &printer{d: p.d, hoisted: p.hoisted}
	write(q)
	return q.String()
}

func (p *printer) text(s string) { p.WriteString(s) }

func (p *printer) ident(name string) { p.WriteString(p.d.Ident(name)) }

// condition writes an expression where a condition stands.
func (p *printer) condition(e Expr, least int) {
	switch {
	case e.IsZero():
		p.bound(Int(1).Eq(Int(1)), least)
	case p.d.g.truth != "" && !isCondition(e):
		p.bound(e.Eq(Int(1)), least)
	default:
		p.bound(e, least)
	}
}

// expr writes an expression where a value stands.
func (p *printer) expr(e Expr, least int) {
	switch {
	case e.IsZero():
		p.expr(Int(1).Eq(Int(1)), least)
	case p.d.g.truth != "" && isCondition(e):
		p.text(fmt.Sprintf(string(p.d.g.truth), p.apart(func(q *printer) { q.condition(e, levelNot+1) })))
	default:
		p.bound(e, least)
	}
}

func isCondition(e Expr) bool {
	c, ok := e.n.(interface{ condition() bool })
	return ok && c.condition()
}

// bound writes an expression, in parentheses where it binds more weakly than the place needs.
func (p *printer) bound(e Expr, least int) {
	if e.n.level() >= least {
		e.n.print(p)
		return
	}
	p.text("(")
	e.n.print(p)
	p.text(")")
}

func (p *printer) list(all []Expr) {
	for i, e := range all {
		if i > 0 {
			p.text(", ")
		}
		p.expr(e, levelOr)
	}
}

// named writes a select list; none is every column.
func (p *printer) named(all []Expr) {
	if len(all) == 0 {
		p.text("*")
	}
	for i, e := range all {
		if i > 0 {
			p.text(", ")
		}
		p.expr(e, levelOr)
		if c, plain := e.n.(column); e.name != "" && (!plain || c.name != e.name) {
			p.text(" AS ")
			p.ident(e.name)
		}
	}
}

func (p *printer) clause(word string, e Expr) {
	if e.IsZero() {
		return
	}
	p.text(" " + word + " ")
	p.condition(e, levelOr)
}

func (p *printer) query(q Query) { q.printQuery(p) }

// whole writes a query that a statement consists of, with words between its common table expressions and itself.
func (p *printer) whole(q Query, words string) {
	if !p.d.g.hoists {
		p.text(words)
		p.query(q)
		return
	}
	p.hoisting(func(r *printer) {
		r.text(words)
		r.query(q)
	})
}

// hoisting writes a statement that has queries in it, with their common table expressions before it where they can
// stand nowhere else.
func (p *printer) hoisting(write func(q *printer)) {
	if !p.d.g.hoists {
		write(p)
		return
	}
	var definitions []string
	text := (&printer{d: p.d, hoisted: &definitions}).apart(write)
	if len(definitions) > 0 {
		p.text("WITH " + strings.Join(definitions, ", ") + " ")
	}
	p.text(text)
}

// call writes a function with its arguments.
func (p *printer) call(function string, args ...Expr) {
	p.text(function + "(")
	p.list(args)
	p.text(")")
}
