package query

// List is a list of values: the database's own array where it has one, otherwise JSON. Members' names do not matter; there
// is at least one.
func List(first Member, more ...Member) Expr {
	return Expr{n: list{append([]Member{first}, more...)}}
}

type list struct{ members []Member }

func (l list) level() int { return levelAtom }

func (l list) print(p *printer) {
	p.mustHave(ConstructLists)
	p.expr(p.d.g.list(l.members), levelAtom)
}

// ListLength is how many elements a list has (List, ListAgg, a column of the database's own arrays).
func ListLength(l Expr) Expr {
	return Expr{n: ofLists{tabled{func(g *grammar) form { return g.listLength }, []Expr{l}}}}
}

// ListContains holds where a list has an element.
func ListContains(l Expr, m Member) Expr { return Expr{n: contained{l, m}} }

type ofLists struct{ tabled }

func (l ofLists) print(p *printer) {
	p.mustHave(ConstructLists)
	l.tabled.print(p)
}

type contained struct {
	list Expr
	m    Member
}

func (c contained) level() int { return levelCompare }

func (c contained) condition() bool { return true }

func (c contained) print(p *printer) {
	p.mustHave(ConstructLists)
	e := c.m.Value
	if p.d.g.listElement != nil {
		e = p.d.g.listElement(c.m)
	}
	p.spell(p.d.g.listContains, c.list, e)
}

// listAs is a function or brackets around values.
func listAs(open, end string) func(members []Member) Expr {
	return func(members []Member) Expr {
		all := make([]Expr, len(members))
		for i, m := range members {
			all[i] = m.Value
		}
		return Expr{n: enclosed{open, all, end}}
	}
}

type enclosed struct {
	open string
	all  []Expr
	end  string
}

func (e enclosed) level() int { return levelAtom }

func (e enclosed) print(p *printer) {
	p.text(e.open)
	p.list(e.all)
	p.text(e.end)
}

// textList is for databases whose lists are JSON that is put together.
func textList(member func(m Member) Expr, whole form) func(members []Member) Expr {
	return func(members []Member) Expr {
		parts := []Expr{Text("[")}
		for i, m := range members {
			if i > 0 {
				parts = append(parts, Text(","))
			}
			parts = append(parts, Coalesce(member(m), Text("null")))
		}
		return spell(whole, Concat(append(parts, Text("]"))...))
	}
}

// textElement is a value as text.
func textElement(m Member) Expr { return Cast(m.Value, TypeText) }
