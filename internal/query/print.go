package query

import "strings"

// printer writes SQL in one dialect.
type printer struct {
	strings.Builder

	d Dialect
}

func (p *printer) text(s string) { p.WriteString(s) }

func (p *printer) ident(name string) { p.WriteString(p.d.Ident(name)) }

// expr writes an expression, in parentheses where it binds more weakly than the place needs.
func (p *printer) expr(e Expr, least int) {
	if e.IsZero() {
		p.expr(Int(1).Eq(Int(1)), least)
		return
	}
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
	p.expr(e, levelOr)
}

func (p *printer) query(q Query) { q.printQuery(p) }

// cast writes CAST(e AS t), or another function of that form.
func (p *printer) cast(function string, e Expr, t Type) {
	p.text(function + "(")
	p.expr(e, levelOr)
	p.text(" AS " + p.d.Type(t) + ")")
}

// call writes a function with its arguments.
func (p *printer) call(function string, args ...Expr) {
	p.text(function + "(")
	p.list(args)
	p.text(")")
}
