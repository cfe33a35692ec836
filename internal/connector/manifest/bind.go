package manifest

import (
	"slices"

	"github.com/millrace/millrace/internal/value"
)

// Binding makes of what a manifest says what one run does with every row: fields are found by their places, and what is
// the same in all rows is decided once. What cannot be bound stays as it is.

type (
	// cell is a value of a row.
	cell struct {
		leaf // where the row has more than its fields

		match bool // of record.match instead of record.values
		at    int
	}
	// part is the members that the section of a row adds to an object.
	part struct {
		leaf // where the row has more than its fields

		columns []int
	}
)

// bind binds the bodies of the run's steps, and leaves out the rules that every row obeys.
func (s *session) bind() {
	b := binder{s.layout, s.scope()}
	s.rules = slices.DeleteFunc(s.rules, func(c *check) bool { return c.Row.given() && b.decided(&c.Row, true) })
	s.bodies = map[*Tree]*Tree{}
	for i := range s.kind.Write {
		for j := range s.kind.Write[i].Steps {
			if body := s.kind.Write[i].Steps[j].Body; body != nil {
				s.bodies[body] = &Tree{b.node(body.root)}
			}
		}
	}
}

// parts are what a request of a step is made of.
func (s *session) parts(st *Step) parts {
	p := st.parts()
	if bound := s.bodies[p.body]; bound != nil {
		p.body = bound
	}
	return p
}

// binder binds trees to the rows of a run.
type binder struct {
	*layout

	scope *scope // without a row
}

// decided reports whether a condition is the same for every row, and is so.
func (b binder) decided(c *Cond, holds bool) bool {
	if c.inner || !c.lasts && !b.fixes(c.tmpl.Paths()) {
		return false
	}
	got, err := b.scope.meets(c)
	return err == nil && got == holds
}

func (b binder) node(n node) node {
	switch n := n.(type) {
	case leaf:
		return b.leaf(n)
	case array:
		return array{b.nodes(n.items)}
	case *object:
		return b.object(n)
	case *jsonText:
		return &jsonText{b.node(n.do)}
	case *joined:
		return &joined{b.node(n.do), n.by}
	case *eachRow:
		return &eachRow{b.node(n.do)}
	case *each:
		return &each{n.list, n.as, b.node(n.do)}
	case *choice:
		return b.choice(n)
	default:
		return n
	}
}

func (b binder) nodes(all []node) []node {
	bound := make([]node, len(all))
	for i, n := range all {
		bound[i] = b.node(n)
	}
	return bound
}

func (b binder) choice(n *choice) node {
	switch {
	case b.decided(&n.cond, true):
		return b.node(n.yes)
	case b.decided(&n.cond, false):
		return b.node(n.no)
	default:
		return &choice{n.cond, b.node(n.yes), b.node(n.no)}
	}
}

// leaf binds a variable that is a field, or one of those that rows are matched by.
func (b binder) leaf(n leaf) node {
	path := n.text.fast
	switch {
	case len(path) < 2 || path[0] != "row":
	case len(path) == 2 && path[1] == "match" && len(b.match) > 0 && !slices.Contains(b.sections, "match"):
		return &cell{n, true, 0}
	case len(path) == 3 && path[1] == "matched" && !slices.Contains(b.sections, "matched"):
		if at := slices.IndexFunc(b.match, func(c column) bool { return c.last() == path[2] }); at >= 0 {
			return &cell{n, true, at}
		}
	case len(path) == 3 && path[2] != "size" && b.flat(path[1]):
		if at := slices.IndexFunc(b.columns, func(c column) bool { return c.section == path[1] && c.path[0] == path[2] }); at >= 0 {
			return &cell{n, false, at}
		}
	}
	if len(path) == 3 && b.fixes([][]string{path}) {
		return nil // no row has the field
	}
	return n
}

// flat reports whether a name means a section that has no objects in objects.
func (l *layout) flat(section string) bool {
	return !l.nested[section] && slices.Contains(l.sections, section)
}

func (b binder) object(n *object) node {
	bound := *n
	bound.entries = slices.Clone(n.entries)
	for i := range bound.entries {
		e := &bound.entries[i]
		if e.key.given() {
			e.value = b.node(e.value)
		} else if len(n.withs) == 1 && n.fixed {
			e.value = b.section(e.value, n.names)
		}
	}
	return &bound
}

// section binds a section whose members an object takes over, but for some names.
func (b binder) section(n node, but []string) node {
	l, ok := n.(leaf)
	if !ok || len(l.text.fast) != 2 || l.text.fast[0] != "row" || !b.flat(l.text.fast[1]) {
		return n
	}
	p := &part{leaf: l}
	for i := range b.columns {
		if c := &b.columns[i]; c.section == l.text.fast[1] && !slices.Contains(but, c.path[0]) {
			p.columns = append(p.columns, i)
		}
	}
	return p
}

// cell is the value of a row.
func (b *builder) cell(c *cell) value.Value {
	switch {
	case b.row == nil || len(b.row.saved) > 0:
		return b.eval(&c.text.source)
	case c.match:
		return b.row.match[c.at]
	default:
		return b.row.values[c.at]
	}
}

// part adds the members of a row's section, and reports whether it could.
func (b *builder) part(p *part, start int) bool {
	if b.row == nil || len(b.row.saved) > 0 {
		return false
	}
	clears := b.row.clears()
	for _, i := range p.columns {
		c, v := &b.row.layout.columns[i], &b.row.values[i]
		if c.omit && v.IsNull() && !clears {
			continue
		}
		if len(b.out) > start {
			b.out = append(b.out, ',')
		}
		b.out = v.AppendJSON(append(b.out, c.key...))
	}
	return true
}
