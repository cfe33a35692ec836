package query

// Mul is the product.
func (e Expr) Mul(o Expr) Expr { return Expr{n: product{e, o}} }

type product struct{ a, b Expr }

func (m product) level() int { return levelMultiply }

func (m product) print(p *printer) {
	p.expr(m.a, levelMultiply)
	p.text(" * ")
	p.expr(m.b, levelMultiply+1)
}

// Div is the quotient as a float, and null where it is divided by zero.
func (e Expr) Div(o Expr) Expr {
	return Expr{n: quotient{Cast(e, TypeFloat), function("nullif", Cast(o, TypeFloat), Value(zero))}}
}

type quotient struct{ a, b Expr }

func (q quotient) level() int { return levelMultiply }

func (q quotient) print(p *printer) {
	p.expr(q.a, levelMultiply)
	p.text(" / ")
	p.expr(q.b, levelMultiply+1)
}

// Mod is what is left of a whole number that is divided by another; both are positive.
func Mod(a, b Expr) Expr {
	return Expr{n: tabled{func(g *grammar) form { return g.mod }, []Expr{a, b}}}
}

// tabled is an expression whose form is an entry of the dialect's table.
type tabled struct {
	form  func(g *grammar) form
	parts []Expr
}

func (t tabled) level() int { return levelAtom }

func (t tabled) print(p *printer) { p.spell(t.form(p.d.g), t.parts...) }

// test is a tabled expression that is a condition.
type test struct{ tabled }

func (t test) level() int { return levelCompare }

func (t test) condition() bool { return true }
